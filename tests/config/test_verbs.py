"""Without a verb the product's own are listed; what people type instead of one leads to it."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from config import verbs
from marketdata.management.program import as_typed
from tests.config.test_commands import OURS, PROJECT

LISTED = {name for group in verbs.VERBS.values() for name in group}


def tapedeck(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", **environment}
    return subprocess.run(["./tapedeck", *arguments], cwd=PROJECT, env=env, capture_output=True, text=True, timeout=60)


def test_the_overview_has_every_verb_and_no_other() -> None:
    assert set(OURS) == LISTED
    assert all(set(meant) <= LISTED for meant in verbs.MEANT.values())
    assert not LISTED & set(verbs.MEANT)


@pytest.mark.parametrize("arguments", [(), ("--help",), ("help",)])
def test_without_a_verb_they_are_listed_with_a_line_each(arguments: tuple[str, ...]) -> None:
    answer = tapedeck(*arguments)
    assert answer.returncode == 0 and answer.stdout.startswith("usage: ./tapedeck VERB")
    assert "  pause_session      pause\n" in answer.stdout and "sqlmigrate" not in answer.stdout
    assert "sqlmigrate" in tapedeck("help", "--commands").stdout


def test_help_names_the_program_as_it_was_typed() -> None:
    text = tapedeck("pause_session", "--help").stdout
    assert text.startswith("usage: ./tapedeck pause_session") and "  ./tapedeck pause_session 1" in text
    assert "manage.py" not in text


@pytest.mark.parametrize(
    ("word", "verb"), [("finish", "stop_session"), ("rewind", "restart_session"), ("pause", "pause")]
)
def test_another_word_for_a_verb_leads_to_it(word: str, verb: str) -> None:
    answer = tapedeck(word, "3")
    assert answer.returncode == 1 and f"`./tapedeck {verb}" in answer.stderr


def test_where_nothing_runs_that_is_said_at_once(tmp_path: os.PathLike[str]) -> None:
    began = time.monotonic()
    tapedeck("--help")
    started = time.monotonic() - began
    answer = tapedeck("sessions", DATABASE_URL=f"postgresql:///tapedeck?host={tmp_path}")
    assert answer.returncode == 1 and "Postgres does not answer (No such file or directory): start" in answer.stderr
    assert time.monotonic() - began - started < started + 4


def test_ctrl_c_ends_a_verb_without_a_traceback(tmp_path: Path) -> None:
    asked = "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(9)"
    while_it_runs = tapedeck("shell", "-c", asked)
    (tmp_path / "redis.py").write_text("raise KeyboardInterrupt")
    while_it_is_loaded = tapedeck("sessions", PYTHONPATH=str(tmp_path))
    for answer in (while_it_runs, while_it_is_loaded):
        assert answer.returncode == 130 and "Traceback" not in answer.stderr, answer.stderr


def test_a_text_names_the_program_as_it_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "run `manage.py migrate`, or `.venv/bin/python manage.py up`; created_by manage.py."
    monkeypatch.setenv("TAPEDECK_PROGRAM", "./tapedeck")
    assert as_typed(text) == "run `./tapedeck migrate`, or `./tapedeck up`; created_by manage.py."
    monkeypatch.delenv("TAPEDECK_PROGRAM")
    assert as_typed(text) == text
