"""The README and the docs as a newcomer follows them: every command in them is run, beside a real `manage.py up`."""

from __future__ import annotations

import ast
import csv
import datetime as dt
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OTHERS_TEST_THESE = ("make start", "make test", ".venv/bin/pip install")
"""Everything there is starts with the first, this suite is the second, and what is installed is there."""
ENDLESS = re.compile(r"--follow|alpaca_bot|curl -[a-zA-Z]*N(?!.*\|)|tail_session(?!.*--(json|flat))")
BROKER_KEY = """eval "$(.venv/bin/python manage.py create_api_key 1 --kind broker --json | python3 -c '
import json, sys
key = json.load(sys.stdin)
print("export APCA_API_KEY_ID=" + key["key_id"], "APCA_API_SECRET_KEY=" + key["secret"])')"
"""
BASH = """
set -eu
bounded() { timeout 20 "$@" || [ $? = 124 ]; }
"""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), flags=re.M | re.S)


@dataclass
class Newcomer:
    """A machine on which `make start` runs: a home folder with data, and the clone."""

    clone: Path
    home: Path
    address: str

    def script(self, page: Path) -> str:
        lines = (
            "\n".join(blocks(page, "sh")).replace("127.0.0.1:8000", self.address.removeprefix("http://")).splitlines()
        )
        kept = [line for line in lines if not line.startswith(OTHERS_TEST_THESE)]
        kept = [BROKER_KEY if line.startswith("export APCA_API_KEY_ID=…") else line for line in kept]
        return BASH + "\n".join(f"bounded {line}" if ENDLESS.search(line) else line for line in kept)

    def environment(self) -> dict[str, str]:
        ours = ("DATABASE_URL", "REDIS_URL", "TAPEDECK_TEST_RUN", "TAPEDECK_TEST_PROCESS", "DJANGO_SETTINGS_MODULE")
        env = {name: value for name, value in os.environ.items() if name not in ours}
        return {**env, "HOME": str(self.home), "VAR_DIR": str(self.clone / "var"), "TAPEDECK_URL": self.address}


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    base = tmp_path_factory.mktemp("n")
    clone, home = base / "tapedeck", base / "home"
    (home / "data").mkdir(parents=True)
    clone.mkdir()
    for name in (
        "manage.py",
        "tapedeck",
        "config",
        "web",
        "gateway",
        "broker",
        "streaming",
        "sessions",
        "marketdata",
        "examples",
    ):
        (clone / name).symlink_to(ROOT / name)
    (clone / ".venv").symlink_to(sys.prefix)
    own_data(home / "data")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    machine = Newcomer(clone, home, f"http://127.0.0.1:{port}")
    log = (base / "up.log").open("w")
    command = [sys.executable, "manage.py", "up", "--port", str(port)]
    up = subprocess.Popen(command, cwd=clone, env=machine.environment(), stdout=log, stderr=log)
    try:
        await_demo(machine, base / "up.log", up)
        yield machine
    finally:
        log.close()
        up.send_signal(signal.SIGINT)
        up.wait(120)


def await_demo(machine: Newcomer, log: Path, up: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 400
    while time.monotonic() < end and up.poll() is None:
        if "Session   http" in log.read_text():
            with urllib.request.urlopen(f"{machine.address}/readyz", timeout=10) as answer:
                assert answer.status == 200
            return
        time.sleep(0.5)
    pytest.fail(log.read_text())


def own_data(folder: Path) -> None:
    """A week of AAPL and MSFT, and the same AAPL as a broker's semicolons, stamped by the minutes' ends."""
    days = [dt.date(2025, 7, day) for day in (1, 2, 7)]
    for symbol in ("AAPL", "MSFT"):
        with (folder / f"{symbol}_1min.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["timestamp", "open", "high", "low", "close", "volume"])
            rows.writerows([f"{at:%Y-%m-%d %H:%M:%S}-04:00", 100, 101, 99, 100.5, 10] for at in minutes(days))
    subprocess.run(["gzip", str(folder / "AAPL_1min.csv")], check=True)
    with (folder / "AAPL.txt").open("w", newline="") as file:
        rows = csv.writer(file, delimiter=";")
        ends = (at + dt.timedelta(minutes=1) for at in minutes(days[:1]))
        rows.writerows([f"{at:%m/%d/%Y}", f"{at:%H:%M}", 100, 101, 99, 100.5, 10] for at in ends)


def minutes(days: list[dt.date]) -> Iterator[dt.datetime]:
    for day in days:
        for minute in range(390):
            yield dt.datetime(day.year, day.month, day.day, 9, 30) + dt.timedelta(minutes=minute)  # noqa: DTZ001


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "sh")], ids=lambda page: page.name)
def test_every_command_works(page: Path, newcomer: Newcomer) -> None:
    command = ["bash", "-c", newcomer.script(page)]
    # Services of their own end with the machine; a command that waits for input gets none.
    reported = subprocess.run(
        command,
        cwd=newcomer.clone,
        env=newcomer.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1100,
    )
    assert reported.returncode == 0, f"{reported.stdout[-3000:]}\n{reported.stderr[-3000:]}"
    assert "Traceback" not in reported.stderr
    for expected in ANNOUNCED.get(page.name, []):
        assert re.search(expected, reported.stdout, flags=re.M), f"{expected!r} is not in\n{reported.stdout}"


ANNOUNCED = {
    "tutorial.md": [
        r"a new high: \d+",
        r'^data: \{"id":"1\.\d+-\d+"',
        r"symbol,interval,start,end,open",
        r"System: running",
    ],
    "deployment.md": [r"no issues", r"postgresql://"],
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_python_example_is_python(page: Path) -> None:
    for block in blocks(page, "python"):
        compile(block, page.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target
