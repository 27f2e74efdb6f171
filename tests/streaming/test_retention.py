"""What upkeep deletes, what it keeps, and the sessions without a worker."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import numpy as np
import pytest
from django.db.models import ProtectedError
from django.utils import timezone

from marketdata.columns import TickColumns
from marketdata.kinds import KINDS, TICK_KINDS, DayKind
from marketdata.models import CHUNK_ROWS, DayChunk, DayVersion, Instrument
from marketdata.store import NewDay, write_days
from sessions.models import DayMark, Run, ServiceHeartbeat, Session, SessionEvent, State
from sessions.redis_client import connection
from sessions.redis_keys import key, session_of
from streaming.engine.frames.frame_id import milliseconds
from streaming.engine.publishing.bus import Bus, stream_key
from streaming.engine.publishing.lockstep import acknowledged_key
from streaming.engine.publishing.writer import fence_key
from streaming.engine.records import journal, journal_writing
from streaming.upkeep import abandoned, retention, rounds
from streaming.upkeep.problems import Problems
from tests.marketdata.days import change_fields
from tests.streaming.rows import DAY, a_day, a_session, pin

pytestmark = pytest.mark.django_db
MONTHS = dt.timedelta(days=90)


def ended(days_ago: float) -> Session:
    session = Session.objects.create(
        dataset=a_day(f"S{Session.objects.count()}").dataset,
        start_date=DAY,
        end_date=DAY,
        state=State.COMPLETED,
        ended_at=timezone.now() - dt.timedelta(days=days_ago),
    )
    for kind in ("control", "day_open", "seek", "state"):
        session.record(kind, kind)
    SessionEvent.objects.filter(session=session).update(at=session.ended_at)
    return session


def keys() -> set[int | None]:
    return {session_of(name) for name in connection().scan_iter(key("*"))}


def test_frames_of_sessions_that_ended_long_ago_or_are_no_more_leave_redis() -> None:
    connection().flushdb()
    live, fresh, old = a_session("AAPL"), ended(0.5), ended(2)
    for number in (live.pk, fresh.pk, old.pk, 999_999):
        connection().xadd(stream_key(number, 1), {"b": b""}, "1-0")
        connection().set(fence_key(number), 1)
    connection().set(key("other"), 1)
    done = retention.clean(timezone.now(), Problems())
    assert keys() == {live.pk, fresh.pk, None}
    assert done["streams"] == 4


def test_streams_of_ended_sessions_keep_two_days_and_what_a_lockstep_reader_still_has_to_read() -> None:
    connection().flushdb()
    waiting = a_session("AAPL", "MSFT")
    session = ended(0.1)
    assert session.ended_at is not None
    dates = [dt.date(2025, 6, 27), dt.date(2025, 6, 30), dt.date(2025, 7, 1), dt.date(2025, 7, 2)]
    begins = [milliseconds(session.calendar.trading_day(date).begin) for date in dates]
    for number in (session.pk, waiting.pk):
        for begin in begins:
            connection().xadd(stream_key(number, 1), {"b": b""}, f"{begin + 60_000}-0")
    for row in (session, waiting):
        DayMark.objects.filter(session=row).delete()
        for date in dates:
            DayMark.objects.create(session=row, generation=1, date=date, chain="", prev="")
    reader = acknowledged_key(session.pk)
    connection().hset(reader, "slow", f"1|1.{begins[1] + 60_000}-0")
    assert retention.trim_ended(session.ended_at + dt.timedelta(seconds=20), Problems()) == 0, (
        "readers may still be on their way"
    )
    later = session.ended_at + dt.timedelta(minutes=1)
    assert retention.trim_ended(later, Problems()) == 1
    assert [entry.decode() for entry, _ in entries(session.pk)] == [f"{begin + 60_000}-0" for begin in begins[1:]]
    connection().delete(reader)
    assert retention.trim_ended(later, Problems()) == 1
    assert [entry.decode() for entry, _ in entries(session.pk)] == [f"{begin + 60_000}-0" for begin in begins[2:]]
    assert len(entries(waiting.pk)) == 4, "a live session's own worker sees to it"


def entries(session_id: int) -> list[Any]:
    return cast(list[Any], connection().xrange(stream_key(session_id, 1)))


def test_old_events_go_but_not_those_that_frames_are_derived_from() -> None:
    live, fresh, old = a_session("AAPL"), ended(20), ended(40)
    SessionEvent.objects.filter(session=live).update(at=timezone.now() - MONTHS)
    kept = live.events.count()
    retention.clean(timezone.now(), Problems())
    assert live.events.count() == kept
    assert set(fresh.events.values_list("kind", flat=True)) == {"control", "day_open", "seek", "state"}
    assert set(old.events.values_list("kind", flat=True)) == {"seek", "state"}


def version(number: int, **fields: Any) -> DayVersion:
    return a_day("AAPL", version=number, **{"current": False, **fields})


def test_superseded_versions_that_nobody_plays_go() -> None:
    session = a_session("MSFT")
    first, pinned, admitted, known, unused = (
        *(version(1), version(2), version(3), version(4, known_at=timezone.now()), version(5)),
    )
    newest = version(6, current=True)
    pin(session, 2, DAY, bars={"AAPL": pinned.pk, "IBM": None})
    pin(session, 3, DAY, kind="admit", bars={"AAPL": admitted.pk})
    assert retention.clean(timezone.now(), Problems())["versions"] == 0, "all of them are young"
    change_fields(recorded_at=timezone.now() - MONTHS)
    assert retention.clean(timezone.now(), Problems())["versions"] == 1
    left = set(DayVersion.objects.filter(instrument__symbol="AAPL").values_list("pk", flat=True))
    assert left == {first.pk, pinned.pk, admitted.pk, known.pk, newest.pk}
    assert unused.pk not in left


def tick_version(session: Session, kind: DayKind, price: float) -> DayVersion:
    """The next version of MSFT's day, of two chunks."""
    n = CHUNK_ROWS + 5
    values, codes = np.full((len(KINDS[kind].values), n), price), np.zeros((len(KINDS[kind].codes), n), np.int32)
    rows = TickColumns(kind, np.arange(n, dtype=np.int64), values, codes, np.zeros(n, np.uint8))
    instrument = Instrument.objects.get(symbol="MSFT").pk
    write_days(session.dataset_id, [NewDay(instrument, DAY, rows)])
    return DayVersion.objects.get(kind=kind, current=True)


@pytest.mark.parametrize("kind", TICK_KINDS, ids=["trades", "quotes"])
def test_superseded_days_of_trades_and_quotes_that_nobody_plays_go_with_their_chunks(kind: DayKind) -> None:
    session = a_session("MSFT")
    _, pinned, newest = (tick_version(session, kind, price) for price in (1.0, 2.0, 3.0))
    pin(session, 2, DAY, **{kind: {"MSFT": pinned.pk, "IBM": None}})
    assert retention.clean(timezone.now(), Problems())["versions"] == 0, "all of them are young"
    change_fields(recorded_at=timezone.now() - MONTHS)
    assert retention.clean(timezone.now(), Problems())["versions"] == 1
    assert set(DayVersion.objects.filter(kind=kind).values_list("pk", flat=True)) == {pinned.pk, newest.pk}
    assert sorted(DayChunk.objects.filter(day__kind=kind).values_list("day", "number")) == [
        (day.pk, n) for day in (pinned, newest) for n in (0, 1)
    ]
    session.delete()
    assert retention.clean(timezone.now(), Problems())["versions"] == 1, "the session that had pinned it is no more"
    assert set(DayVersion.objects.filter(kind=kind).values_list("pk", flat=True)) == {newest.pk}


def test_settings_decide_for_how_long(settings: Any) -> None:
    connection().flushdb()
    old = ended(2)
    connection().xadd(stream_key(old.pk, 1), {"b": b""}, "1-0")
    settings.KEEP_STREAMS_DAYS, settings.KEEP_EVENTS_DAYS = 3, 1
    done = retention.clean(timezone.now(), Problems())
    assert (done["streams"], done["events"]) == (0, 2)
    Bus().close_stream(old.pk, 1)
    left = cast("int", connection().ttl(stream_key(old.pk, 1)))
    assert left == pytest.approx(dt.timedelta(days=3).total_seconds(), abs=60), "Redis itself keeps it as long"


def test_upkeep_cleans_once_an_hour_and_says_what_it_did() -> None:
    now = timezone.now()
    ended(40)
    rounds.run(now)
    reported = ServiceHeartbeat.objects.get(name="upkeep").detail
    assert reported["cleaned"]["events"] == 2 and reported["cleaned"]["at"] == now.isoformat()
    ended(40)
    rounds.run(now + dt.timedelta(minutes=59))
    assert ServiceHeartbeat.objects.get(name="upkeep").detail["cleaned"]["at"] == now.isoformat()
    rounds.run(now + dt.timedelta(minutes=61))
    assert ServiceHeartbeat.objects.get(name="upkeep").detail["cleaned"]["events"] == 2


def test_a_session_under_a_silent_lease_is_queued_again_and_said_once() -> None:
    session = a_session("AAPL", worker="replay@gone:1", lease_renewed_at=timezone.now() - MONTHS)
    for _ in range(3):
        assert abandoned.queue_again(timezone.now(), Problems())["silent"] == 1
    event = session.events.get(kind="lease")
    assert event.message == "queued again: replay@gone:1 holds its lease, and is silent"
    Run.objects.filter(pk=session.pk).update(lease_renewed_at=timezone.now())
    assert abandoned.queue_again(timezone.now(), Problems())["silent"] == 0


def created(minutes_ago: int) -> Session:
    session = a_session("AAPL", state=State.CREATED, clock=None, start_requested=True)
    session.streams.update(active=False)
    Session.objects.filter(pk=session.pk).update(created_at=timezone.now() - dt.timedelta(minutes=minutes_ago))
    return session


def test_a_start_that_was_queued_and_never_came_is_queued_again() -> None:
    created(3)
    assert abandoned.queue_again(timezone.now(), Problems())["requeued"] == 1


def test_one_that_is_young_is_left_alone() -> None:
    created(0)
    assert not abandoned.queue_again(timezone.now(), Problems())["requeued"]


def test_one_that_nobody_took_for_half_an_hour_fails_and_says_why() -> None:
    session = created(31)
    assert abandoned.queue_again(timezone.now(), Problems())["given_up"] == 1
    session.refresh_from_db()
    assert (session.state, session.reason) == (
        State.FAILED,
        "its start was queued and never came: no replay worker took it",
    )


def test_a_version_that_a_session_plays_cannot_be_deleted_and_goes_with_the_session() -> None:
    session = a_session("MSFT")
    day = DayVersion.objects.get(pins__session=session)
    with pytest.raises(ProtectedError):
        day.delete()
    session.delete()
    assert day.delete()[1]["marketdata.DayVersion"] == 1


def test_the_first_pin_of_a_day_holds_in_the_database(django_assert_num_queries: Any) -> None:
    session, other = a_session("MSFT"), version(2)
    pinned = session.pins.get().day_id
    journal_writing.append_loads(session.pk, {DAY: {"bars": {"MSFT": other.pk, "AAPL": other.pk}}})
    with django_assert_num_queries(1):
        assert journal.read(session.pk, DAY).pins(DAY) == {"AAPL": other.pk, "MSFT": pinned}
