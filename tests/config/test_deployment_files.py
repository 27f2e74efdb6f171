"""The files of deploy/, the image and the compose file: well formed, complete, and true to the settings."""

from __future__ import annotations

import datetime as dt
import io
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from config.management.commands.up import WEB_OPTIONS
from sessions.models import ServiceHeartbeat
from tests.workers import ROOT

UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
PROCESSES = ("web", "replay", "upkeep", "beat")


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return found


def test_the_compose_file_fits_its_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", PROCESSES)
def test_each_process_waits_for_the_migration_and_is_watched(name: str) -> None:
    service = compose()["services"][name]
    assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert service["healthcheck"]["test"] == ["CMD", "python", "manage.py", "health", name]
    assert service["read_only"] and service["cap_drop"] == ["ALL"]


def test_the_workers_take_every_queue_and_beat_is_one() -> None:
    services = compose()["services"]
    queues = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()} | {settings.CELERY_TASK_DEFAULT_QUEUE}
    commands = [services[name]["command"] for name in ("replay", "upkeep")]
    assert {queue for command in commands for queue in command[command.index("-Q") + 1].split(",")} == queues
    assert "deploy" not in services["beat"]


def test_each_deployment_starts_the_web_with_the_same_patience_for_slow_clients() -> None:
    """A bot that polls every five seconds keeps its connection, one that computes for a minute its socket."""
    pairs = zip(WEB_OPTIONS[::2], WEB_OPTIONS[1::2], strict=True)
    options = [pair for pair in pairs if pair[0] != "--log-level"]
    image = (ROOT / "Dockerfile").read_text().replace('", "', " ")
    unit = (ROOT / "deploy" / "systemd" / "tapedeck-web.service").read_text()
    assert [pair for pair in options for text in (image, unit) if " ".join(pair) not in text] == []


def test_the_image_has_every_package_and_does_not_run_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for package in packages["packages"]:
        assert f"COPY {package} {package}" in lines and f"!{package}" in ignored
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users == ["tapedeck"]
    assert lines.index("USER tapedeck") < next(number for number, line in enumerate(lines) if line.startswith("CMD"))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    for unit in (ROOT / "deploy" / "systemd").iterdir():
        text = unit.read_text().replace("/opt/tapedeck/.venv/bin", str(Path(sys.executable).parent))
        (tmp_path / unit.name).write_text(text)
    files = [tmp_path / unit.name for unit in UNITS] + [tmp_path / "tapedeck.target"]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_each_unit_has_a_folder_to_write_to(unit: Path) -> None:
    """Beat keeps its schedule in VAR_DIR; systemd makes that folder as the user's."""
    text = unit.read_text()
    assert "\nUser=tapedeck\n" in text and "\nStateDirectory=tapedeck\n" in text
    assert "\nEnvironment=VAR_DIR=/var/lib/tapedeck\n" in text
    assert "/var/lib/tapedeck" in (ROOT / "docs" / "deployment.md").read_text()
    waits = re.search(r"^Requires=tapedeck-migrate.service$", text, re.MULTILINE)
    assert bool(waits) == (unit.name != "tapedeck-migrate.service")


def health(kind: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command("health", kind, *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_health_is_this_machines_heartbeat_lately() -> None:
    with pytest.raises(CommandError, match="No replay process"):
        health("replay")
    now = timezone.now()
    row = {"kind": "replay", "pid": 1}
    ServiceHeartbeat.objects.create(name="replay@elsewhere:1", seen_at=now, **row)
    with pytest.raises(CommandError, match="No replay process"):
        health("replay")
    ours = f"replay@{socket.gethostname()}:1"
    ServiceHeartbeat.objects.create(name=ours, seen_at=now - dt.timedelta(minutes=2), **row)
    with pytest.raises(CommandError, match="was last seen 120 s ago"):
        health("replay")
    ServiceHeartbeat.objects.filter(name=ours).update(seen_at=now)
    assert health("replay").startswith(f"replay: {ours} was seen 0 s ago")
    ServiceHeartbeat.objects.create(name="beat", kind="beat", pid=1, seen_at=now - dt.timedelta(minutes=2))
    assert health("beat").startswith("beat: beat was seen 120 s ago")


def test_a_web_that_does_not_answer_is_not_healthy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CommandError, match="does not answer"):
            health("web", "--url", address)
