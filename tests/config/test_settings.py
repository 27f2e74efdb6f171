"""Settings from the environment that cannot be meant end in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("broker", "MARKETDATA_MAPPINGS is not JSON"),
        ("[1]", 'MARKETDATA_MAPPINGS is no JSON object: write it as {"name": {…}}.'),
        ('{"b": {"TZ": "Mars"}}', "MARKETDATA_MAPPINGS['b']['TZ'] is not a time zone"),
    ],
)
def test_mappings_that_cannot_be_read_are_named(value: str, message: str) -> None:
    environment = {**os.environ, "MARKETDATA_MAPPINGS": value, "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "manage.py", "check"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert message in ended.stderr and "Traceback" not in ended.stderr
