"""What a verb costs: it imports what it needs, and neither the pages nor the API nor pandas."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest
from django.contrib import admin
from django.contrib.admin.checks import check_admin_app
from django.contrib.auth.models import User
from django.urls import get_resolver

from sessions.models import Session
from tests.own_services import ROOT

PROJECT = ROOT.parents[1]
HEAVY = {"celery.app", "exchange_calendars", "numpy", "pandas", "pyarrow", "requests", "unfold.admin", "web.admin"}
LEAST = "import django.db.models, psycopg, redis"
"""What no verb can do without."""
MOST_TIMES_THE_LEAST = 2.5
"""Of the CPU time; some 1.7, and it was more than 4 with everything imported. Seconds would measure the machine."""


def manage(
    *arguments: str, python: str = "from config.command_line import main; main()"
) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", python, *arguments]
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60)


def imported(*arguments: str) -> set[str]:
    report = "import atexit, sys; atexit.register(lambda: print(*sys.modules, sep=chr(10)))"
    return set(manage(*arguments, python=f"{report}; from config.command_line import main; main()").stdout.split())


@pytest.mark.parametrize("verb", ["pause_session", "resume_session", "stop_session", "revoke_api_key"])
def test_a_verb_imports_neither_pages_nor_pandas(verb: str, real_services: None) -> None:
    modules = imported(verb, "1")
    assert {"django", "psycopg", "sessions.models"} <= modules
    assert modules & HEAVY == set()


def cpu_seconds(*arguments: str, **options: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    manage(*arguments, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_a_verb_costs_little_cpu(real_services: None) -> None:
    pairs = [(cpu_seconds(python=LEAST), cpu_seconds("pause_session", "1")) for _ in range(4)]
    least, verb = (min(column) for column in zip(*pairs, strict=True))
    assert verb < MOST_TIMES_THE_LEAST * least


@pytest.mark.parametrize(
    ("line", "setting", "value"),
    [
        ("import_bars bars.csv --dataset mine", "MARKETDATA_MAPPINGS", '{"mine": {"LABEL": "middle"}}'),
        ("fetch_bars AAPL --start 2025-07-02 --provider mine", "MARKETDATA_PROVIDERS", '{"mine": {"BACKEND": "no"}}'),
        ("start_session AAPL", "MARKETDATA_PROVIDERS", '{"mine": {"BACKEND": "no"}}'),
    ],
)
def test_a_command_that_uses_a_setting_checks_it(
    line: str, setting: str, value: str, real_services: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting, value)
    answer = manage(*line.split())
    assert answer.returncode == 1
    assert f"{setting}['mine']" in answer.stderr


def test_the_addresses_bring_every_admin_page_and_each_is_sound() -> None:
    assert get_resolver().url_patterns
    assert {Session, User} <= set(admin.site._registry)
    assert check_admin_app(None) == []
