"""The main job on real days: through a real worker process, against the source files, bar by bar."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pytest

from marketdata import calendar
from sessions import control
from sessions.models import JournalEntry, Run, Session, State
from sessions.redis_client import connection as redis_connection
from streaming.as_of.session_data import get_session_data
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.frames.stretch import Stretch
from streaming.engine.playing.player import Player
from streaming.engine.publishing.bus import stream_key
from streaming.reading.reader import follow
from streaming.starts import service
from streaming.starts.error import StartError
from streaming.starts.request import StartRequest
from streaming.stream_bars import stream_bars
from tests.streaming.playing import FIRST, LAST, SYMBOLS, await_clock, read_all, start, wait_until
from tests.workers import StartWorker

pytestmark = pytest.mark.django_db(transaction=True)


def source_bars(market_data: Path, first: dt.date = FIRST, last: dt.date = LAST) -> list[tuple[Any, ...]]:
    """(start, symbol, open, high, low, close, volume) of the regular sessions, straight from the files."""
    parts = []
    for symbol in SYMBOLS:
        (path,) = (market_data / "bars" / "exthours_2025").glob(f"{symbol}_*.csv.gz")
        rows = pd.read_csv(path, parse_dates=["timestamp"])
        for day in calendar.trading_days(first, last):
            inside = rows[(rows.timestamp >= day.open) & (rows.timestamp < day.close)]
            parts.append(inside.assign(symbol=symbol))
    table = pd.concat(parts).sort_values(["timestamp", "symbol"])
    stamps = table.timestamp.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return list(zip(stamps, table.symbol, table.open, table.high, table.low, table.close, table.volume, strict=True))


def minute_bars(frames: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    keys = ("start", "symbol", "open", "high", "low", "close", "volume")
    events = [event for frame in frames for event in frame["events"]]
    return [
        tuple(event[key] for key in keys) for event in events if event["type"] == "bar" and event["interval"] == "1m"
    ]


def test_three_days_arrive_whole_in_order_and_on_time(
    start_worker: StartWorker, real_days: str, market_data: Path
) -> None:
    start_worker()
    session = start(speed=0.0)
    frames = read_all(session.pk)
    assert minute_bars(frames) == source_bars(market_data)
    durable = [frame for frame in frames if frame["id"]]
    assert len(durable) == (390 + 1) + (210 + 1) + (390 + 1)
    clocks = [frame["clock"] for frame in durable]
    assert clocks == sorted(set(clocks))
    assert all(e["end"] == f["clock"] for f in durable for e in f["events"] if e["type"] == "bar")
    assert [e["type"] for e in frames[-1]["events"]] == ["end"]
    session.refresh_from_db()
    assert (session.state, session.run.chain) == (State.COMPLETED, durable[-1]["hash"])


def test_derived_bars_are_anchored_to_each_session(player: Player, real_days: str) -> None:
    frames = read_all(start(speed=0.0).pk, symbols=["AAPL"], intervals=["5m", "15m"])
    count: dict[tuple[str, str], int] = {}
    for frame in frames:
        for event in frame["events"]:
            if event["type"] == "bar":
                key = (frame["clock"][:10], event["interval"])
                count[key] = count.get(key, 0) + 1
    assert count == {
        (f"2025-07-0{day}", interval): n
        for day, counts in ((2, (78, 26)), (3, (42, 14)), (7, (78, 26)))
        for interval, n in zip(("5m", "15m"), counts, strict=True)
    }


def test_a_killed_worker_loses_and_repeats_nothing(
    start_worker: StartWorker, real_days: str, market_data: Path
) -> None:
    undisturbed_worker = start_worker()
    undisturbed = start(speed=0.0)
    read_all(undisturbed.pk)
    undisturbed.refresh_from_db()
    session = start(speed=6000.0)
    await_clock(session, dt.datetime(2025, 7, 2, 15, 0, tzinfo=dt.UTC))
    undisturbed_worker.kill()
    start_worker()
    frames = read_all(session.pk)
    assert minute_bars(frames) == source_bars(market_data)
    session.refresh_from_db()
    assert session.run.chain == undisturbed.run.chain
    assert session.events.filter(kind="recovery").exists()


def test_a_flushed_redis_loses_and_repeats_nothing(player: Player, real_days: str, market_data: Path) -> None:
    """Every key goes, the fence too: the holder renews and goes on, readers have the hole re-derived."""
    session = start(speed=6000.0)
    await_clock(session, dt.datetime(2025, 7, 2, 15, 0, tzinfo=dt.UTC))
    redis_connection().flushdb()
    frames = read_all(session.pk)
    assert minute_bars(frames) == source_bars(market_data)
    ids = [frame["id"] for frame in frames if frame["id"]]
    assert len(ids) == len(set(ids)) == 391 + 211 + 391
    assert session.events.filter(kind="redis").exists()


def test_a_cursor_goes_on_right_after_it_in_every_phase(player: Player, real_days: str) -> None:
    session = start(speed=0.0)
    whole = [frame for frame in read_all(session.pk) if frame["id"]]
    for place in (0, 1, 389, 390, 391, 601, 992):
        rest = read_all(session.pk, after=whole[place]["id"])
        assert [frame for frame in rest if frame["id"]] == whole[place + 1 :]
    redis_connection().flushdb()
    again = [frame for frame in read_all(session.pk, after=whole[500]["id"]) if frame["id"]]
    assert again == whole[501:], "re-derived frames are the published ones, hash and all"


def test_a_stream_bounded_by_bytes_is_whole_for_every_reader(
    start_worker: StartWorker, real_days: str, market_data: Path
) -> None:
    start_worker(STREAM_MAX_BYTES="20000")
    session = start(speed=0.0)
    assert minute_bars(read_all(session.pk)) == source_bars(market_data)
    assert redis_connection().xlen(stream_key(session.pk, 1)) < 200


def test_a_reader_that_is_a_moment_behind_a_run_at_full_speed_is_no_late_one(player: Player, real_days: str) -> None:
    """The stream keeps two days; of a run that passes three in no time it keeps them all, for a while."""
    session = start(speed=0.0)
    whole = [frame["id"] for frame in read_all(session.pk) if frame["id"]]
    session.refresh_from_db()
    assert session.state == State.COMPLETED
    entries = cast(list[Any], redis_connection().xrange(stream_key(session.pk, 1)))
    held = [frame for entry, fields in entries for frame in Stretch.of_entry(of_entry(entry), fields).frames]
    assert [str(frame.id) for frame in held] == whole


def of_entry(entry: bytes) -> FrameId:
    return FrameId.parse(f"1.{entry.decode()}")


def test_the_iterator_starts_a_created_session_and_gives_every_bar(
    player: Player, real_days: str, market_data: Path
) -> None:
    session = service.create(StartRequest(("AAPL",), FIRST, FIRST, speed=0.0))

    async def collect() -> list[dict[str, Any]]:
        return [bar async for bar in stream_bars(session, ["AAPL"], "1m")]

    bars = asyncio.run(asyncio.wait_for(collect(), 60))
    expected = [row for row in source_bars(market_data, FIRST, FIRST) if row[1] == "AAPL"]
    assert [bar["start"] for bar in bars] == [row[0] for row in expected]


def test_the_iterator_adds_a_symbol_that_the_session_does_not_play_yet(player: Player, real_days: str) -> None:
    session = service.start(StartRequest(("AAPL",), FIRST, FIRST, speed=3000.0)).session

    async def collect() -> list[dict[str, Any]]:
        return [bar async for bar in stream_bars(session, ["IBM"], "1m")]

    bars = asyncio.run(asyncio.wait_for(collect(), 110))
    assert {bar["symbol"] for bar in bars} == {"IBM"}
    session.refresh_from_db()
    assert bars[-1]["end"] == "2025-07-02T20:00:00Z" and session.active_symbols() == []


def test_two_that_start_one_session_at_once_start_it_once(player: Player, real_days: str) -> None:
    session = service.create(StartRequest(SYMBOLS, FIRST, FIRST, speed=0.0))

    async def count() -> int:
        return len([bar async for bar in stream_bars(session, ["AAPL"], "1m")])

    async def both() -> list[int]:
        return await asyncio.gather(count(), count())

    assert asyncio.run(asyncio.wait_for(both(), 60)) == [390, 390]
    assert session.events.filter(kind="state", message__startswith="running").count() == 1


def test_pause_stops_the_clock_and_resume_goes_on_where_it_was(player: Player, real_days: str) -> None:
    session = start(speed=600.0)
    await_clock(session, dt.datetime(2025, 7, 2, 13, 40, tzinfo=dt.UTC))
    control.pause(session.pk, by="test")
    end = time.monotonic() + 5
    while session.state != State.PAUSED and time.monotonic() < end:
        time.sleep(0.01)
        session.refresh_from_db()
    stood = session.run.clock
    time.sleep(0.5)
    session.refresh_from_db()
    assert (session.state, session.run.clock) == (State.PAUSED, stood)
    with pytest.raises(control.ControlError, match="paused"):
        control.pause(session.pk)
    control.set_speed(session.pk, 0.0)
    control.resume(session.pk)
    frames = read_all(session.pk)
    assert len([frame for frame in frames if frame["id"]]) == 391 + 211 + 391


def test_sessions_never_show_what_is_later_than_the_clock(player: Player, real_days: str) -> None:
    session = start(speed=600.0)
    await_clock(session, dt.datetime(2025, 7, 2, 13, 45, tzinfo=dt.UTC))
    control.pause(session.pk)
    wait_until(session, lambda s: s.state == State.PAUSED)
    data = get_session_data(session.pk)
    clock = data.session.run.clock
    assert clock is not None
    visible = data.get_symbol_data("AAPL")
    assert visible.held == 390
    assert len(visible.bars_1m) == (clock - calendar.trading_day(FIRST).open).total_seconds() / 60
    assert data.get_active_symbols() == ["AAPL", "MSFT"]

    async def join() -> dict[str, Any]:
        frames = follow(session.pk, symbols=["AAPL"])
        try:
            return await anext(frames)
        finally:
            await frames.aclose()  # type: ignore[attr-defined]

    (snapshot,) = asyncio.run(join())["events"]
    assert snapshot["type"] == "snapshot"
    assert snapshot["bars"] == [*visible.bars_1m, *visible.bars("5m"), *visible.bars("15m")]
    control.set_speed(session.pk, 3000)
    control.resume(session.pk)
    held: set[int] = set()
    end = time.monotonic() + 60
    while session.is_live and time.monotonic() < end:
        session.refresh_from_db()
        held.add(len(session.run.days_held))
        time.sleep(0.05)
    assert max(held) == 2, "the current day and the next, never a third"


def test_a_start_without_a_worker_fails_before_anything_is_written(transactional_db: None, real_days: str) -> None:
    with pytest.raises(StartError, match="No replay worker is running"):
        start()
    assert not Session.objects.exists()


def test_a_defect_fails_the_session_with_its_reason_instead_of_being_tried_for_ever(
    start_worker: StartWorker, real_days: str
) -> None:
    start_worker()
    session = start(speed=60.0)
    JournalEntry.objects.create(session=session, number=99, kind="admit", payload={})
    Run.objects.filter(pk=session.pk).update(lease_renewed_at=None, epoch=99)
    end = time.monotonic() + 20
    while (session.state != State.FAILED or session.run.worker) and time.monotonic() < end:
        session.refresh_from_db()
        time.sleep(0.05)
    assert session.state == State.FAILED
    assert "internal error (KeyError('date'))" in session.reason and session.run.worker == ""
