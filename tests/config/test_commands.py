"""Every command alike: help with examples that work, JSON for programs, exit codes that mean the same."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from tests.own_services import ROOT

APPS = ("config", "web", "gateway", "broker", "streaming", "replay", "marketdata")
OURS = sorted(name for name, app in get_commands().items() if app in APPS)
OURS += sorted(name for name, app in get_commands().items() if app == "sessions" and name != "clearsessions")
PROJECT = ROOT.parents[1]
SAY_NOTHING_BACK = {"run_bot", "up"}


def load(name: str) -> Any:
    return load_command_class(get_commands()[name], name)


def test_the_commands_are_found() -> None:
    assert {"start_session", "import_bars", "up", "system_status"} <= set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_help_shows_examples_that_the_command_understands(name: str) -> None:
    command: BaseCommand = load(name)
    parser = command.create_parser("manage.py", name)
    help_text = parser.format_help()
    examples = re.findall(rf"^  manage\.py ({name}\b.*)$", help_text, flags=re.M)
    assert examples, help_text
    for example in examples:
        parser.parse_args(shlex.split(example)[1:])
    assert "exit codes:" in help_text
    assert "  2  not understood" in help_text


@pytest.mark.parametrize("name", [name for name in OURS if name not in SAY_NOTHING_BACK])
def test_a_command_that_answers_has_json(name: str) -> None:
    assert "--json" in load(name).create_parser("manage.py", name).format_help()


@pytest.mark.parametrize("name", OURS)
def test_every_argument_is_explained(name: str) -> None:
    parser = load(name).create_parser("manage.py", name)
    unexplained = [action.dest for action in parser._actions if action.help is None and action.choices is None]
    assert unexplained == []


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_named_in_a_page(name: str) -> None:
    pages = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
    assert any(re.search(rf"\b{name}\b", page.read_text()) for page in pages)


def test_what_is_not_understood_is_code_2() -> None:
    command = [sys.executable, "manage.py", "pause_session", "first"]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 2
    assert "invalid int value: 'first'" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.fixture
def unmigrated(real_services: None) -> Iterator[str]:
    """The address of a database in which nothing was ever made."""
    url = urlsplit(settings.DATABASE_URL)
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS never_migrated")
        server.execute("CREATE DATABASE never_migrated")
        yield urlunsplit(url._replace(path="/never_migrated"))
        server.execute("DROP DATABASE never_migrated WITH (FORCE)")


@pytest.mark.parametrize(
    "line",
    [
        "data_status",
        "start_session AAPL --date 2024-11-18",
        "import_bars bars.csv --dataset mine",
    ],
)
def test_a_database_that_was_never_migrated_is_reported_in_one_line(line: str, unmigrated: str, tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text(
        "symbol,timestamp,open,high,low,close,volume\nAAPL,2024-11-18T14:30:00Z,1,1,1,1,1\n"
    )
    command = [sys.executable, str(PROJECT / "manage.py"), *shlex.split(line)]
    env = os.environ | {"DATABASE_URL": unmigrated, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    answer = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 1
    assert re.fullmatch(
        r"CommandError: The database is not ready \(\d+ migrations are not applied\): "
        r"run `manage\.py migrate`, or `make start`, which does it\.",
        answer.stderr.strip(),
    ), answer.stderr
