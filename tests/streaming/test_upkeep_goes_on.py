"""What is wrong with one session, or one part of a round, costs upkeep that one alone, and is said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from marketdata.importing.uploads import upload_queue
from marketdata.models import DayVersion, Upload
from sessions.models import Announcement, DayMark, Run, ServiceHeartbeat, Session, SessionEvent, State, Verification
from sessions.redis_client import connection as redis_connection
from sessions.redis_keys import key
from streaming.engine.frames.frame_id import milliseconds
from streaming.engine.publishing.bus import stream_key
from streaming.engine.publishing.writer import fence_key
from streaming.starts import service
from streaming.starts.request import StartRequest
from streaming.status import system_status
from streaming.tasks import run_upkeep
from streaming.upkeep import abandoned, retention, rounds
from streaming.upkeep.problems import Problems
from tests.marketdata.days import change_fields
from tests.streaming.rows import a_session
from tests.streaming.test_broken_providers import CLOSE_TO_THE_END, HALF, NEXT
from tests.streaming.test_broken_providers import a_session as near_the_close
from tests.workers import full_disk

pytestmark = pytest.mark.django_db(transaction=True)
MONTHS = dt.timedelta(days=90)
NO_ROOM = "Postgres takes nothing (could not extend file: No space left on device): make room on its disk"


@contextmanager
def refused(table: str, rows: str, state: str = "XX001") -> Iterator[None]:
    """Rows of a table for which a condition holds cannot be written."""
    with connection.cursor() as cursor:
        refuse = f"BEGIN RAISE EXCEPTION USING ERRCODE = '{state}', MESSAGE = 'a broken page'; END"
        cursor.execute(f"CREATE OR REPLACE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ {refuse} $$")
        trigger = f"CREATE TRIGGER broken BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW WHEN ({rows})"
        cursor.execute(f"{trigger} EXECUTE FUNCTION broken()")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER broken ON {table}")


@pytest.fixture(autouse=True)
def empty_server() -> None:
    redis_connection().flushdb()


def ended(*symbols: str, **fields: Any) -> Session:
    """A minute ago, with frames of three days in its stream."""
    session = a_session(*symbols, state=State.COMPLETED, ended_at=timezone.now() - dt.timedelta(minutes=1), **fields)
    dates = [dt.date(2025, 6, 30), dt.date(2025, 7, 1), dt.date(2025, 7, 2)]
    for date in dates:
        begin = milliseconds(session.calendar.trading_day(date).begin)
        redis_connection().xadd(stream_key(session.pk, 1), {"b": b""}, f"{begin + 60_000}-0")
        DayMark.objects.create(session=session, generation=1, date=date, chain="", prev="")
    return session


def test_streams_of_the_other_ended_sessions_are_trimmed() -> None:
    sound, broken, other = ended("AAPL"), ended("MSFT"), ended("IBM")
    Session.objects.filter(pk=broken.pk).update(exchange="NOWHERE")
    problems = Problems()
    assert retention.trim_ended(timezone.now(), problems) == 2
    assert [redis_connection().xlen(stream_key(one.pk, 1)) for one in (sound, broken, other)] == [2, 3, 2]
    assert len(problems.found) == 1 and problems.found[0].startswith(f"Upkeep of session {broken.pk} failed: ")
    assert broken.events.filter(kind="upkeep_failed").count() == 1


def test_the_other_steps_of_cleaning_are_done_and_cleaning_has_been(settings: Any) -> None:
    old = a_session("AAPL", state=State.COMPLETED, ended_at=timezone.now() - MONTHS)
    old.record("control", "paused")
    SessionEvent.objects.filter(session=old).update(at=timezone.now() - MONTHS)
    DayVersion.objects.create(**a_superseded_day(old))
    change_fields(recorded_at=timezone.now() - MONTHS)
    redis_connection().set(key("installation"), "another database")
    redis_connection().set(fence_key(old.pk), 1)
    with full_disk("replay_sessionevent"):
        rounds.run()
    detail = ServiceHeartbeat.objects.get(name="upkeep").detail
    assert set(detail["cleaned"]) == {"at", "versions"} and detail["cleaned"]["versions"] == 1
    assert f"Upkeep of retention of events failed: {NO_ROOM}" in detail["problems"]
    assert any("retention of streams failed" in problem for problem in detail["problems"])
    assert set(detail["problems"]) <= set(system_status()["problems"])


def a_superseded_day(session: Session) -> dict[str, Any]:
    """A second version of its day, as if it had been current once."""
    first = DayVersion.objects.get(pins__session=session)
    names = [
        field.attname for field in DayVersion._meta.concrete_fields if not field.primary_key and not field.generated
    ]
    values = {name: getattr(first, name) for name in names}
    return values | {"version": 2, "current": False, "known_at": None}


def test_the_other_sessions_without_a_worker_are_queued_again() -> None:
    lost = {"worker": "replay@gone:1", "lease_renewed_at": timezone.now() - MONTHS}
    broken, sound = a_session("AAPL", **lost), a_session("MSFT", **lost)
    starts = [a_session(name, state=State.CREATED, clock=None, start_requested=True) for name in ("IBM", "SPY")]
    Session.objects.filter(pk__in=[one.pk for one in starts]).update(created_at=timezone.now() - MONTHS)
    problems = Problems()
    broken_ones = f"NEW.session_id IN ({broken.pk}, {starts[0].pk})"
    with refused("replay_sessionevent", broken_ones):
        done = abandoned.queue_again(timezone.now(), problems)
    assert done["given_up"] == 1 and starts[1].events.filter(message__startswith="failed: ").exists()
    assert sound.events.filter(kind="lease").exists()
    assert [problem.split(" failed: ")[0] for problem in problems.found] == [
        f"Upkeep of session {broken.pk}",
        f"Upkeep of session {starts[0].pk}",
    ]


def test_a_day_whose_end_cannot_be_reported_does_not_keep_the_next_one_from_being_fetched() -> None:
    session = near_the_close("synthetic")
    Run.objects.filter(pk=session.pk).update(clock=CLOSE_TO_THE_END + dt.timedelta(minutes=15))
    with refused("replay_announcement", "NEW.kind = 'gaps'"):
        rounds.run_one(session.pk)
    kinds = set(Announcement.objects.filter(session=session).values_list("kind", flat=True))
    assert kinds == {Announcement.Kind.PREFETCH}
    assert "a broken page" in session.events.get(kind="upkeep_failed").message
    rounds.run_one(session.pk)
    assert Announcement.objects.filter(session=session, kind="gaps").exists(), "the next round does it"


def test_a_round_on_a_full_disk_does_what_it_can_and_says_why_not_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    near_the_close("synthetic")
    trimmed = ended("IBM")
    Verification.objects.create(session=trimmed)
    with full_disk("replay_announcement", "replay_sessionevent", "marketdata_dayversion"):
        run_upkeep()
    assert redis_connection().xlen(stream_key(trimmed.pk, 1)) == 2
    problems = ServiceHeartbeat.objects.get(name="upkeep").detail["problems"]
    assert any(problem.endswith(NO_ROOM) for problem in problems)
    assert "No space left on device" in caplog.text
    run_upkeep()
    assert Session.objects.live().get().events.filter(kind="prefetch").exists()


def test_without_room_for_its_own_row_a_round_is_done_too(caplog: pytest.LogCaptureFixture) -> None:
    session = near_the_close("synthetic")
    with full_disk("replay_serviceheartbeat"):
        run_upkeep()
    assert session.events.filter(kind="prefetch").exists()
    assert "Upkeep of the word that beat is there failed" in caplog.text and "Upkeep of the round failed" in caplog.text


def test_the_other_uploads_are_queued_again(monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = timezone.now() - MONTHS
    broken, sound = (Upload.objects.create(by="b", folder=name, seen_at=long_ago) for name in "ab")
    with refused("marketdata_upload", f"NEW.id = {broken.pk}"):
        rounds.run()
    assert upload_queue.silent(timezone.now()) == [broken]
    assert Upload.objects.get(pk=sound.pk).seen_at != long_ago
    assert any(
        problem.startswith(f"Upkeep of upload {broken.pk} failed")
        for problem in ServiceHeartbeat.objects.get(name="upkeep").detail["problems"]
    )


def test_a_start_on_a_full_disk_waits_and_its_row_says_why() -> None:
    session = service.create(StartRequest(("AAPL",), HALF, NEXT, provider="synthetic"))
    Session.objects.filter(pk=session.pk).update(start_requested=True)  # as who queues it does
    with full_disk("marketdata_dayversion"), pytest.raises(OperationalError):
        service.open_queued(session.pk)
    session.refresh_from_db()
    assert (session.state, session.reason) == (State.CREATED, f"{NO_ROOM}. Its start is tried again.")
    Session.objects.filter(pk=session.pk).update(created_at=timezone.now() - MONTHS)
    abandoned.queue_again(timezone.now(), Problems())
    session.refresh_from_db()
    assert (session.state, session.reason) == (State.FAILED, f"{NO_ROOM}. Its start is tried again.")
