"""Settings from the environment that cannot be meant end in one line."""

from __future__ import annotations

import os
import re
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


READ = re.compile(r"""(?:env(?:\.\w+)?|_objects)\(\s*"([A-Z_]+)\"|"(APCA_\w+)\"""")
NAMES = sorted({name or other for name, other in READ.findall((ROOT / "config" / "settings.py").read_text())})


def test_the_settings_are_found() -> None:
    assert {"DEBUG", "REDIS_PREFIX", "MARKETDATA_MAPPINGS", "ALPACA_FEED", "APCA_API_KEY_ID"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_from_the_environment_is_in_the_readme_or_the_page_on_deployment(name: str) -> None:
    pages = [(ROOT / page).read_text() for page in ("README.md", "docs/deployment.md")]
    assert any(re.search(rf"\b{name}\b", page) for page in pages)
