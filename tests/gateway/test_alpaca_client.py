"""The broker's own clients, which know nothing of a replay: only their addresses and keys are changed."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.live import StockDataStream
from alpaca.data.models import Bar
from alpaca.data.requests import StockBarsRequest
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from alpaca.trading.client import TradingClient
from alpaca.trading.requests import MarketOrderRequest

from sessions import control, keys
from tests.gateway.conftest import DAY, Bound, Server, StartReplay, StartServer
from tests.workers import ROOT

NEW_YORK = ZoneInfo("America/New_York")
OPEN = dt.datetime(2025, 7, 2, 13, 30, tzinfo=dt.UTC)
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]


def source(market_data: Path, symbol: str) -> pd.DataFrame:
    (path,) = (market_data / "bars" / "exthours_2025").glob(f"{symbol}_*.csv.gz")
    return pd.read_csv(path, parse_dates=["timestamp"]).set_index("timestamp")


def history_of(server: Server, bound: Bound) -> StockHistoricalDataClient:
    return StockHistoricalDataClient(bound.key_id, bound.secret, url_override=server.base)


def trading_of(server: Server, bound: Bound) -> TradingClient:
    return TradingClient(bound.key_id, bound.secret, url_override=server.base)


class Listener:
    """A stream client in a thread, with the bars that reach its handlers."""

    def __init__(self, server: Server, bound: Bound, *symbols: str) -> None:
        self.stream = StockDataStream(bound.key_id, bound.secret, url_override=server.stream)
        self.bars: list[Bar] = []
        self.connections = 0
        connect = self.stream._start_ws

        async def counted() -> None:
            await connect()
            self.connections += 1

        self.stream._start_ws = counted  # type: ignore[method-assign]
        self.stream.subscribe_bars(self._take, *symbols)
        self.thread = threading.Thread(target=self.stream.run, daemon=True)

    async def _take(self, bar: Any) -> None:
        self.bars.append(bar)

    def __enter__(self) -> Listener:
        self.thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.stream.stop()
        self.thread.join(20)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end, f"no {what}: {len(self.bars)} bars, {self.connections} connections"
            time.sleep(0.05)


def test_a_paused_replay_is_a_morning_that_stands_still(
    start_server: StartServer, start_replay: StartReplay, market_data: Path
) -> None:
    server, bound = start_server(), start_replay(minutes=60, speed=0.0)
    trading, history = trading_of(server, bound), history_of(server, bound)
    time.sleep(1)
    clock = trading.get_clock()
    assert clock.is_open and clock.timestamp.astimezone(NEW_YORK).date() == DAY
    assert clock.next_close == dt.datetime(2025, 7, 2, 16, tzinfo=NEW_YORK)
    assert clock.next_open == dt.datetime(2025, 7, 3, 9, 30, tzinfo=NEW_YORK)
    assert trading.get_clock().timestamp == clock.timestamp, "a pause stops the clock"
    asked = StockBarsRequest(
        symbol_or_symbols="AAPL", timeframe=TimeFrame.Minute, start=dt.datetime(2025, 7, 1, tzinfo=dt.UTC)
    )
    bars = history.get_stock_bars(asked).data["AAPL"]
    given = source(market_data, "AAPL")
    bound.session.refresh_from_db()
    known = given[(given.index >= "2025-07-01") & (given.index + pd.Timedelta(minutes=1) <= bound.session.run.clock)]
    assert [bar.timestamp for bar in bars] == list(known.index), "extended hours and the day before, and nothing later"
    assert [(b.open, b.high, b.low, b.close, b.volume) for b in bars] == [
        (row.open, row.high, row.low, row.close, row.volume) for row in known.itertuples()
    ]
    _assert_days(history, given, bound.session.run.clock)
    order = trading.submit_order(MarketOrderRequest(symbol="AAPL", qty=1, side="buy", time_in_force="day"))
    assert trading.get_order_by_id(order.id).filled_at is None, "it waits for the next bar"
    keys.revoke(bound.key_id)
    with pytest.raises(APIError, match="unauthorized"):
        trading.get_clock()


def _assert_days(history: StockHistoricalDataClient, given: pd.DataFrame, clock: dt.datetime) -> None:
    """Days have the regular session's prices, and the volume of all hours."""
    asked = StockBarsRequest(
        symbol_or_symbols="AAPL",
        timeframe=TimeFrame(1, TimeFrameUnit.Day),
        start=dt.datetime(2025, 7, 1, tzinfo=NEW_YORK),
    )
    known = given[given.index + pd.Timedelta(minutes=1) <= clock].tz_convert(NEW_YORK)
    yesterday, today = history.get_stock_bars(asked).data["AAPL"]
    for bar, date in ((yesterday, "2025-07-01"), (today, "2025-07-02")):
        hours = known.loc[date]
        session = hours.between_time("09:30", "15:59")
        assert bar.timestamp == dt.datetime.combine(dt.date.fromisoformat(date), dt.time(), NEW_YORK)
        assert (bar.open, bar.close) == (session.open.iloc[0], session.close.iloc[-1])
        assert (bar.high, bar.low) == (session.high.max(), session.low.min())
        assert bar.volume == hours.volume.sum()


def test_the_stream_shows_pause_and_speed_and_ends_with_a_seek(
    start_server: StartServer, start_replay: StartReplay, market_data: Path
) -> None:
    server, bound = start_server(), start_replay(minutes=30, speed=120.0)
    with Listener(server, bound, "AAPL", "MSFT") as listener:
        listener.wait(lambda: len(listener.bars) >= 8, "bars")
        control.pause(bound.session.pk)
        time.sleep(2)
        stood = len(listener.bars)
        time.sleep(2)
        assert len(listener.bars) == stood, "nothing comes while it is paused"
        control.set_speed(bound.session.pk, 600.0)
        control.resume(bound.session.pk)
        listener.wait(lambda: len(listener.bars) >= stood + 20, "bars after the pause")
        before = list(listener.bars)
        control.seek(bound.session.pk, OPEN + dt.timedelta(minutes=10))
        listener.wait(lambda: listener.connections >= 2, "new connection after the seek")
        listener.wait(lambda: any(bar.timestamp < before[0].timestamp for bar in listener.bars), "older bars")
    for symbol in ("AAPL", "MSFT"):
        stamps = [bar.timestamp for bar in before if bar.symbol == symbol]
        given = source(market_data, symbol)
        assert stamps == list(given.loc[stamps[0] : stamps[-1]].index), "every minute once, in order"


def test_the_example_bot_lives_in_the_replay(
    start_server: StartServer, start_replay: StartReplay, market_data: Path
) -> None:
    server, bound = start_server(), start_replay(minutes=70, speed=240.0)
    command = [sys.executable, str(ROOT / "examples" / "alpaca_bot.py"), "AAPL", "MSFT", "--bars", "30"]
    env = {**os.environ, "APCA_API_KEY_ID": bound.key_id, "APCA_API_SECRET_KEY": bound.secret}
    run = subprocess.run(
        [*command, "--url", server.base, "--stream", server.stream],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert re.search(r"It is 2025-07-02 1\d:\d\d; the market is open\.", run.stdout)
    day_before = source(market_data, "AAPL").tz_convert(NEW_YORK).loc["2025-07-01"].between_time("09:30", "15:59")
    assert f"AAPL closed at {day_before.close.iloc[-1]:.2f} the day before." in run.stdout
    assert len(re.findall(r"^\d\d:\d\d (AAPL|MSFT) \d+\.\d\d", run.stdout, re.M)) == 30


def test_a_revoked_key_ends_its_socket(start_server: StartServer, start_replay: StartReplay) -> None:
    server, bound = start_server(), start_replay(minutes=30, speed=60.0)
    with Listener(server, bound, "AAPL") as listener:
        listener.wait(lambda: len(listener.bars) >= 1, "bars")
        keys.revoke(bound.key_id)
        listener.wait(lambda: not listener.stream._running, "end")
        seen = len(listener.bars)
        time.sleep(3)
        assert (len(listener.bars), listener.connections) == (seen, 1)
