"""The session commands: one verb each, errors in one line, output made for people and for pipes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from sessions.models import ServiceHeartbeat, Session, State
from streaming.management.commands.system_status import session_lines
from streaming.management.tree import Node, as_text
from tests.streaming.rows import DAY, a_dataset, a_day, a_session
from tests.workers import ROOT, StartWorker, database_url

pytestmark = pytest.mark.django_db


def run(*arguments: Any) -> tuple[str, str]:
    """A command's stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    call_command(*map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def manage(*arguments: Any, **environment: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` as a user runs it, piped, on the test's services."""
    return subprocess.run(_command(arguments), **_process(environment), capture_output=True, text=True, timeout=60)


def _command(arguments: tuple[Any, ...]) -> list[str]:
    return [sys.executable, "manage.py", *map(str, arguments)]


def _process(environment: dict[str, str]) -> dict[str, Any]:
    services = {"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL}
    return {"cwd": ROOT, "env": {**os.environ, **services, **environment}}


# --- controls --------------------------------------------------------------------------------------


def test_controls_say_what_they_did() -> None:
    session = a_session("AAPL")
    assert run("pause_session", session.pk)[0] == f"Session {session.pk} is being paused.\n"
    assert run("resume_session", session.pk)[0] == f"Session {session.pk} goes on.\n"
    assert run("set_speed", session.pk, 60)[0] == f"Session {session.pk} plays at speed 60.\n"
    assert run("set_speed", session.pk, 0)[0] == f"Session {session.pk} plays as fast as possible.\n"
    assert run("stop_session", session.pk)[0] == f"Session {session.pk} is being stopped.\n"


@pytest.mark.parametrize(
    ("arguments", "field", "value"),
    [
        (["pause_session"], "paused", True),
        (["set_speed", "0.5"], "speed", 0.5),
        (["stop_session"], "stop_requested", True),
    ],
    ids=["pause", "speed", "stop"],
)
def test_controls_answer_in_json(arguments: list[str], field: str, value: Any) -> None:
    session = a_session("AAPL")
    command, *rest = arguments
    report = json.loads(run(command, session.pk, *rest, "--json")[0])
    assert (report["id"], report[field]) == (session.pk, value)


def test_refused_controls_are_errors_of_one_line() -> None:
    ended = a_session("AAPL", state=State.COMPLETED)
    with pytest.raises(CommandError, match=r"completed.*stopped"):
        run("stop_session", ended.pk)
    with pytest.raises(CommandError, match=f"There is no session 999999: the newest are {ended.pk}"):
        run("pause_session", 999999)
    with pytest.raises(CommandError, match="Speed 'fast' is not a number"):
        run("set_speed", ended.pk, "fast")


# --- start_session ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["AAPL", "--date", "18.11.2024"], "--date '18.11.2024' is not a date", id="date form"),
        pytest.param(["AAPL", "--speed", "fast"], "--speed 'fast' is not a number", id="speed form"),
        pytest.param(["AAPL", "--speed", "-1"], "positive", id="negative speed"),
        pytest.param(["NOPE"], "NOPE", id="unknown symbol"),
        pytest.param(["AAPL", "--dataset", "gold"], "'gold'", id="unknown dataset"),
        pytest.param(["AAPL", "--interval", "7x"], "7x", id="interval"),
        pytest.param(["AAPL", "--date", "2024-11-15"], "2024-11-15", id="no data that day"),
        pytest.param(["AAPL", "--date", "1950-01-03"], "1950-01-03", id="outside the calendar"),
    ],
)
def test_a_start_that_cannot_be_is_one_clear_error(arguments: list[str], words: str) -> None:
    a_day("AAPL")
    ServiceHeartbeat.objects.create(name="replay@test", kind="replay", pid=1, seen_at=timezone.now())
    with pytest.raises(CommandError) as error:
        run("start_session", *arguments)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert not Session.objects.live().exists()


def test_without_a_worker_nothing_is_started() -> None:
    a_day("AAPL")
    with pytest.raises(CommandError, match="No replay worker"):
        run("start_session", "AAPL")
    assert not Session.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_error_of_a_process_is_a_line_on_stderr_and_code_1() -> None:
    answer = manage("start_session", "AAPL", "--date", "yesterday")
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr == "CommandError: --date 'yesterday' is not a date: write it as 2024-11-18.\n"


def test_a_start_says_the_specifications_lines_and_tail_gives_every_bar(start_worker: StartWorker) -> None:
    a_day("AAPL")
    a_day("MSFT")
    start_worker()
    said = run("start_session", "AAPL", "MSFT", "--speed", 0)[0].splitlines()
    session = Session.objects.get()
    for line in (
        "✓ Registered symbol: AAPL (total active: 1)",
        "✓ Registered symbol: MSFT (total active: 2)",
        "Fetching bars for AAPL on 2024-11-18...",
        "Fetched 390 bars for AAPL on 2024-11-18",
        "✓ Started bar stream for AAPL (390 bars)",
        "Marked bars stream active for AAPL",
        f"Session {session.pk}: 2024-11-18 from dataset paper, as fast as possible",
        f"Admin: http://127.0.0.1:8000/admin/replay/session/{session.pk}/change/",
    ):
        assert line in said
    reported = manage("tail_session", session.pk, "--from-start", "--json")
    assert (reported.returncode, reported.stderr) == (0, "")
    frames = [json.loads(line) for line in reported.stdout.splitlines()]
    assert all({"id", "clock", "hash", "events"} <= set(frame) for frame in frames)
    reported = manage("tail_session", session.pk, "--from-start", "--flat")
    assert reported.stdout.count("\n") == sum(len(frame["events"]) for frame in frames)
    events = [json.loads(line) for line in reported.stdout.splitlines()]
    minutes = [event for event in events if event.get("interval") == "1m"]
    assert len(minutes) == 780
    assert [event["start"] for event in minutes[:3]] == [*["2024-11-18T14:30:00Z"] * 2, "2024-11-18T14:31:00Z"]
    assert all(event["clock"] == event["end"] for event in minutes)
    assert events[-1]["type"] == "end"
    _assert_filters(session, minutes[9]["id"])


def _assert_filters(session: Session, cursor: str) -> None:
    reported = manage("tail_session", session.pk, "--after", cursor, "--symbols", "MSFT", "--intervals", "5m", "--flat")
    bars = [row for row in map(json.loads, reported.stdout.splitlines()) if row["type"] == "bar"]
    assert {(row["symbol"], row["interval"]) for row in bars} == {("MSFT", "5m")}
    assert len(bars) == 77
    text = manage("tail_session", session.pk, "--from-start", "--symbols", "aapl").stdout.splitlines()
    first = "2024-11-18 09:31:00 New York bar AAPL 1m 09:30 O 100.0 H 100.01 L 99.99 C 100.0 V -"
    assert first in text


def test_json_is_one_object_on_stdout_and_follow_runs_to_the_end(start_worker: StartWorker) -> None:
    a_day("AAPL")
    start_worker()
    reported = manage("start_session", "AAPL", "--speed", 0, "--json", "--follow", "--name", "demo")
    assert reported.returncode == 0, reported.stderr
    body = json.loads(reported.stdout)
    assert (body["symbols"], body["bars"], body["name"]) == (["AAPL"], {"AAPL": 390}, "demo")
    assert body["admin"].endswith(f"/admin/replay/session/{body['id']}/change/")
    assert "✓ Started bar stream for AAPL (390 bars)" in reported.stderr
    assert reported.stderr.splitlines()[-1].endswith("completed  as fast as possible  AAPL 103.89 (390)")
    assert Session.objects.get(pk=body["id"]).state == State.COMPLETED


def test_a_reader_that_has_enough_ends_the_tail_quietly(start_worker: StartWorker, tmp_path: Path) -> None:
    a_day("AAPL")
    start_worker()
    run("start_session", "AAPL", "--speed", 600)
    session = Session.objects.get()
    with (tmp_path / "stderr").open("w+") as errors:
        command = _command(("tail_session", session.pk, "--from-start"))
        tail = subprocess.Popen(command, **_process({}), stdout=subprocess.PIPE, stderr=errors)
        assert tail.stdout
        assert tail.stdout.readline()
        tail.stdout.close()
        assert tail.wait(30) == 0
        errors.seek(0)
        assert errors.read() == ""
    run("stop_session", session.pk)
    _await_state(session, State.STOPPED)


def _await_state(session: Session, state: str) -> None:
    end = time.monotonic() + 10
    while session.state != state and time.monotonic() < end:
        time.sleep(0.05)
        session.refresh_from_db()
    assert session.state == state


# --- tail_session ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--symbols", "TSLA"], "no symbol TSLA: it has AAPL, MSFT", id="symbol"),
        pytest.param(["--intervals", "1h"], "no interval 1h: it has 1m, 5m, 15m", id="interval"),
        pytest.param(["--after", "yesterday"], "'yesterday' is not a cursor", id="cursor"),
    ],
)
def test_a_tail_that_would_wait_in_silence_is_refused(arguments: list[str], words: str) -> None:
    session = a_session("AAPL", "MSFT", state=State.COMPLETED)
    with pytest.raises(CommandError, match=words):
        run("tail_session", session.pk, *arguments)


# --- system_status ---------------------------------------------------------------------------------


def test_status_is_the_specifications_tree() -> None:
    session = a_session("AAPL", "MSFT", speed=60, worker="replay@test", bars_held=780)
    lines = run("system_status")[0].splitlines()
    at = lines.index("Session Data")
    assert lines[at : at + 4] == [
        "Session Data",
        "├─ Session Date: 2024-11-18",
        "├─ Session Active: Yes",
        "├─ Active Symbols: 2 symbols",
    ]
    for line in (
        f"├─ Session: {session.pk}",
        "├─ Clock: 2024-11-18 10:00:00 New York",
        "├─ Bars: 60 (780 held)",
        "├─ Quality: 100.0%",
        "├─ Days Held: 2024-11-18",
        "├─ Speed: 60",
    ):
        assert line in lines
    assert lines[0] == "System: degraded"
    assert any(line.startswith("│  ├─ postgres: ") for line in lines)


def test_status_without_sessions_says_so() -> None:
    assert "├─ Session Active: No" in run("system_status")[0].splitlines()


def test_status_shows_a_running_system() -> None:
    for kind in ("replay", "upkeep", "beat"):
        ServiceHeartbeat.objects.create(name=kind, kind=kind, pid=1, capacity=200, seen_at=timezone.now())
    lines = run("system_status")[0].splitlines()
    assert lines[0] == "System: running"
    assert any("replay (replay): 0 of 200 in use" in line for line in lines)
    assert not any("Problems" in line for line in lines)


def test_status_in_json_is_one_object() -> None:
    a_session("AAPL", "MSFT")
    report = json.loads(run("system_status", "--json")[0])
    [session] = report["sessions"]
    assert (session["clock"], session["active_symbols"]) == ("2024-11-18T15:00:00Z", 2)
    assert [row["name"] for row in report["services"]] == ["postgres", "redis"]


def test_status_of_a_session_before_its_first_minute_has_no_quality() -> None:
    session = Session.objects.create(dataset=a_dataset(), start_date=DAY, end_date=DAY)
    reported = json.loads(run("system_status", "--json")[0])["sessions"][0]
    assert (reported["id"], reported["quality"], reported["session_date"]) == (session.pk, None, "2024-11-18")
    assert {"Quality: n/a", "Clock: not yet running"} <= set(session_lines(reported))


@pytest.mark.django_db(transaction=True)
def test_status_without_redis_says_so_and_fails() -> None:
    answer = manage("system_status", REDIS_URL="redis://127.0.0.1:1/0")
    assert answer.returncode == 1
    assert answer.stdout.startswith("System: down\n")
    assert "redis does not answer" in answer.stdout
    assert "Traceback" not in answer.stderr


def test_a_tree_is_drawn_with_its_branches() -> None:
    tree = Node("root", [Node("one", [Node("two")]), Node("three", [Node("four")])])
    assert list(as_text(tree)) == ["root", "├─ one", "│  └─ two", "└─ three", "   └─ four"]
