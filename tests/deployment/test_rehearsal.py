"""The deployment page, lived through: a partition, a takeover and an upgrade, with a reader that misses nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployment.installation import LEASE_TTL, VENV, Installation, until
from tests.deployment.network import USERS, network, why_not
from tests.workers import ROOT

MACHINES = ("data", "web", "replay1", "replay2", "upkeep")
READER = ROOT / "tests" / "deployment" / "reader.py"
SPEED = 60
READY = [
    str(VENV / "python"),
    "-c",
    "import httpx; from tests.deployment.reader import BEHIND_TLS; "
    "print(httpx.get('http://127.0.0.1:8000/readyz', headers=BEHIND_TLS, timeout=20).status_code)",
]

skip = pytest.mark.skipif(bool(why_not()) and not os.environ.get("CI"), reason=why_not())
pytestmark = [skip, pytest.mark.timeout(400)]


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installation]:
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)  # pytest's own are closed to others
    with network(MACHINES, tmp_path) as machines:
        here = Installation(machines, tmp_path)
        here.start_servers()
        here.start("tapedeck-migrate", "web")
        here.start("tapedeck-web", "web")
        for number in (1, 2):
            here.start(f"tapedeck-replay@{number}", f"replay{number}")
        start_the_rest(here)
        until(lambda: here.ask("SELECT count(*) FROM replay_serviceheartbeat WHERE kind = 'replay'") == 2, "workers")
        yield here


def start_the_rest(here: Installation) -> None:
    for unit in ("tapedeck-upkeep", "tapedeck-beat"):
        here.start(unit, "upkeep")


def worker_of(here: Installation, session: int) -> str:
    """The machine whose worker plays it."""
    name = str(here.ask(f"SELECT worker FROM replay_run WHERE session_id = {session}"))
    return next((machine for machine in MACHINES if machine in name), "")


def follow(here: Installation, session: int, key: str, file: Path) -> None:
    file.touch()
    os.chown(file, USERS["reader"], -1)
    url = f"http://127.0.0.1:8000/api/sessions/{session}/stream/"
    words = [str(VENV / "python"), str(READER), url, key, str(file)]
    here.machines["web"].start(words, here.environment, here.folder, user="reader", called=file.stem)


def frames(file: Path) -> list[str]:
    return file.read_text().splitlines()


def goes_on(file: Path, what: str, seconds: float = 60) -> None:
    """A reader gets more than it has."""
    seen = len(frames(file))
    until(lambda: len(frames(file)) > seen + 1, what, seconds)


def test_a_partition_a_takeover_and_an_upgrade_lose_and_repeat_nothing(installed: Installation, tmp_path: Path) -> None:
    here = installed
    here.manage("import_bars", str(ROOT / "sample" / "bars" / "google_2016"))
    started = json.loads(here.manage("start_session", "AAPL", "MSFT", "--speed", str(SPEED), "--json"))
    session = started["id"]
    key = json.loads(here.manage("create_api_key", str(session), "--json"))
    live, again = tmp_path / "live.txt", tmp_path / "again.txt"
    follow(here, session, key["token"], live)
    goes_on(live, "frames")

    # The machine of its worker is cut off: another one plays on, and what the first still wants to write is refused.
    lost = worker_of(here, session)
    here.machines[lost].cut()
    until(lambda: worker_of(here, session) not in ("", lost), "a takeover", 4 * LEASE_TTL + 20)
    goes_on(live, "frames after the takeover")
    taken = worker_of(here, session)
    here.machines[lost].join()
    goes_on(live, "frames after the first one is back")
    assert worker_of(here, session) == taken, "it does not take the session back"

    # The servers' machine is cut off: everybody waits, and goes on.
    here.machines["data"].cut()
    assert here.machines["web"].run(READY, here.environment, ROOT, 30).stdout.strip() == "503"
    here.machines["data"].join()
    goes_on(live, "frames after the partition", 90)

    # The upgrade, step by step as the page says.
    here.stop("tapedeck-beat", "tapedeck-upkeep", "tapedeck-replay@1", "tapedeck-replay@2")
    here.start("tapedeck-migrate", "web")
    here.stop("tapedeck-web")
    here.start("tapedeck-web", "web")
    for number in (1, 2):
        here.start(f"tapedeck-replay@{number}", f"replay{number}")
    start_the_rest(here)
    goes_on(live, "frames after the upgrade", 90)

    here.manage("set_speed", str(session), "0")
    ended = f"SELECT state FROM replay_session WHERE id = {session}"
    until(lambda: here.ask(ended) == "completed", "the session's end", 90)
    assert json.loads(here.manage("verify_session", str(session), "--json"))["problems"] == []
    follow(here, session, key["token"], again)
    whole = here.ask(f"SELECT frame_id FROM replay_run WHERE session_id = {session}")
    for file in (live, again):
        until(lambda file=file: frames(file) and str(whole) in frames(file)[-1], "the last frame")
    assert frames(live) == frames(again)
    assert len(frames(live)) == len(set(frames(live))) >= 390
