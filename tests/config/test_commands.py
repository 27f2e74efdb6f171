"""Every command alike: help with examples that work, JSON for programs, exit codes that mean the same."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from tests.own_services import ROOT

OURS = sorted(name for name, app in get_commands().items() if app in ("config", "marketdata", "replay", "streaming"))
OURS += sorted(name for name, app in get_commands().items() if app == "sessions" and name != "clearsessions")
PROJECT = ROOT.parents[1]
SAY_NOTHING_BACK = {"up"}


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


def test_what_is_not_understood_is_code_2() -> None:
    command = [sys.executable, "manage.py", "pause_session", "first"]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 2
    assert "invalid int value: 'first'" in answer.stderr
    assert "Traceback" not in answer.stderr
