"""Bars, trades and quotes of a real day through a real worker, against the source files, event by event."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.core.management import call_command

from sessions import control
from sessions.models import Session, State
from sessions.redis_client import connection as redis_connection
from streaming.engine.publishing.bus import stream_key
from streaming.reading.reader import follow
from streaming.starts import service
from streaming.starts.request import StartRequest
from tests.workers import StartWorker

pytestmark = pytest.mark.django_db(transaction=True)
DAY = dt.date(2013, 10, 7)
OPEN, CLOSE = pd.Timestamp("2013-10-07T13:30:00Z"), pd.Timestamp("2013-10-07T20:00:00Z")
TYPES = ("bars", "ticks", "quotes")


@pytest.fixture
def real_ticks(transactional_db: None, sample: Path) -> str:
    """IBM of 2013-10-07: minute bars, 24,106 trades and 107,998 quotes."""
    call_command("import_bars", str(sample / "bars/lean/IBM_2013-10-07_1min.csv.gz"), verbosity=0)
    call_command("import_trades", str(sample / "trades/lean/IBM_2013-10-07_trades.parquet"), verbosity=0)
    call_command("import_quotes", str(sample / "quotes/lean/IBM_2013-10-07_quotes.parquet"), verbosity=0)
    return "lean"


def source(sample: Path, kind: str) -> pd.DataFrame:
    table = pd.read_parquet(sample / f"{kind}/lean/IBM_2013-10-07_{kind}.parquet")
    return table[(table.timestamp >= OPEN) & (table.timestamp < CLOSE)]


def read_all(session_id: int, **options: Any) -> list[dict[str, Any]]:
    options.setdefault("from_start", "after" not in options)

    async def collect() -> list[dict[str, Any]]:
        return [frame async for frame in follow(session_id, **options)]

    return asyncio.run(asyncio.wait_for(collect(), 150))


def start(**options: Any) -> Session:
    request = {"types": TYPES, "speed": 0.0, **options}
    return service.start(StartRequest(("IBM",), DAY, DAY, **request)).session


def events(frames: list[dict[str, Any]], kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [(frame["clock"], event) for frame in frames for event in frame["events"] if event["type"] == kind]


def moments(texts: list[str]) -> list[pd.Timestamp]:
    return list(pd.to_datetime(pd.Series(texts), format="ISO8601", utc=True))


def test_every_event_arrives_once_in_order_on_time_and_as_the_source_has_it(
    start_worker: StartWorker, real_ticks: str, sample: Path
) -> None:
    start_worker()
    session = start()
    frames = read_all(session.pk)
    trades, quotes, bars = (events(frames, kind) for kind in ("trade", "quote", "bar"))

    table = source(sample, "trades")
    reported = [(e["price"], e["size"], e["exchange"], e["condition"]) for _, e in trades]
    assert reported == list(zip(table.price, table["size"], table.exchange, table.condition, strict=True))
    assert moments([e["at"] for _, e in trades]) == list(table.timestamp)

    table = source(sample, "quotes").astype({"exchange": object}).replace({float("nan"): None})
    sides = ("bid", "bid_size", "ask", "ask_size")
    assert [tuple(e[name] for name in sides) for _, e in quotes] == list(
        zip(*(table[name].where(table[name].notna(), None) for name in sides), strict=True)
    )
    assert [e["bid_exchange"] or e["ask_exchange"] for _, e in quotes] == list(table.exchange)
    assert moments([e["at"] for _, e in quotes]) == list(table.timestamp)

    for clock, at in [(c, e["at"]) for c, e in trades + quotes]:
        late = (pd.Timestamp(clock) - pd.Timestamp(at)).total_seconds()
        assert 0 <= late < 0.1
    assert len([e for _, e in bars if e["interval"] == "1m"]) == 390
    assert all(e["end"] == clock for clock, e in bars)
    clocks = [frame["clock"] for frame in frames if frame["id"]]
    assert moments(clocks) == sorted(set(moments(clocks)))
    session.refresh_from_db()
    assert (session.state, session.run.chain) == (State.COMPLETED, [f["hash"] for f in frames if f["id"]][-1])
    rows = session.streams.order_by("stream_type").values_list("stream_type", "present", "last_price")
    assert list(rows) == [
        ("bars", 390, bars[-1][1]["close"]),
        ("quotes", len(quotes), None),
        ("ticks", len(trades), trades[-1][1]["price"]),
    ]


def test_a_killed_worker_and_a_flushed_redis_change_no_byte(start_worker: StartWorker, real_ticks: str) -> None:
    worker = start_worker()
    undisturbed = start()
    whole = [frame for frame in read_all(undisturbed.pk) if frame["id"]]
    session = start(speed=1200.0)
    end = time.monotonic() + 60
    while time.monotonic() < end and not (session.run.clock and session.run.clock.hour >= 15):
        time.sleep(0.02)
        session.refresh_from_db()
    worker.kill()
    redis_connection().flushdb()
    start_worker()
    control.set_speed(session.pk, 0.0)
    frames = [frame for frame in read_all(session.pk) if frame["id"]]
    assert [frame["hash"] for frame in frames] == [frame["hash"] for frame in whole]
    assert frames == whole, "frames made again from journal and store are the published ones"
    assert session.events.filter(kind="recovery").exists()


def test_the_stream_in_redis_is_bounded_by_bytes_and_whole_for_its_readers(
    start_worker: StartWorker, real_ticks: str, sample: Path
) -> None:
    start_worker(STREAM_MAX_BYTES=str(1 << 20))
    session = start(types=("ticks", "quotes"))
    frames = read_all(session.pk)
    assert len(events(frames, "trade")) == len(source(sample, "trades"))
    assert len(events(frames, "quote")) == len(source(sample, "quotes"))
    assert not events(frames, "bar")
    held = redis_connection().memory_usage(stream_key(session.pk, 1), samples=0)
    assert held < 8 << 20


def test_a_type_without_data_is_reported_by_name_and_the_others_start(
    start_worker: StartWorker, transactional_db: None, sample: Path
) -> None:
    call_command("import_bars", str(sample / "bars/lean/AIG_2013-10-07_1min.csv.gz"), verbosity=0)
    call_command("import_trades", str(sample / "trades/lean/AIG_2013-10-07_trades.parquet"), verbosity=0)
    start_worker()
    lines: list[str] = []
    request = StartRequest(("AIG",), DAY, DAY, speed=0.0, types=TYPES, dataset="lean", clock_step=1000)
    started = service.start(request, lines.append)
    assert "✓ Started trade stream for AIG (25258 trades)" in lines
    assert list(started.failures) == ["AIG quotes"] and "has no quotes of AIG" in started.failures["AIG quotes"]
    active = started.session.streams.filter(active=True).values_list("stream_type", flat=True)
    assert sorted(active) == ["bars", "ticks"] or started.session.state == State.COMPLETED
