"""A bot for which market time waits: at full speed it sees every minute, and twice the same."""

from __future__ import annotations

import datetime as dt
import importlib.util
import re
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from broker.models import AccountEvent
from gateway.running.bot_at_work import BotAtWork
from gateway.running.environment import START_UP
from marketdata import calendar
from sessions import control
from sessions.models import Run, Session
from sessions.redis_client import connection as redis_connection
from streaming.engine.publishing.lockstep import acknowledged_key
from streaming.starts import service
from streaming.starts.request import StartRequest
from tests.gateway.conftest import DAY
from tests.gateway.test_run_bot import finished, run_bot, written
from tests.streaming.playing import await_clock
from tests.streaming.rows import locked
from tests.workers import StartWorker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

SLEEPS = """
    import datetime, time
    import requests

    KEYS = {"APCA-API-KEY-ID": "mine", "APCA-API-SECRET-KEY": "mine"}
    seen = []
    while len(seen) < 40:
        bar = requests.get("https://data.alpaca.markets/v2/stocks/AAPL/bars/latest", headers=KEYS).json()["bar"]
        seen.append(bar["t"][11:16])
        if len(seen) % 10 == 5:
            order = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
            requests.post("https://paper-api.alpaca.markets/v2/orders", json=order, headers=KEYS)
        time.sleep(60)
    print("seen", *seen)
"""
FOLLOWS = """
    import asyncio, threading
    from alpaca.data.live import StockDataStream
    from alpaca.trading.client import TradingClient
    from alpaca.trading.requests import MarketOrderRequest

    trading, bars, seen = TradingClient("a", "b", paper=True), StockDataStream("a", "b"), []

    async def on_bar(bar):
        seen.append(f"{bar.timestamp:%H:%M}")
        if len(seen) % 10 == 5:
            order = MarketOrderRequest(symbol="AAPL", qty=1, side="buy", time_in_force="day")
            await asyncio.to_thread(trading.submit_order, order)
        if len(seen) == 40:
            await bars.stop_ws()

    bars.subscribe_bars(on_bar, "AAPL")
    following = threading.Thread(target=bars.run)
    following.start()
    following.join()
    print("seen", *seen)
"""


@pytest.mark.parametrize("bot", [SLEEPS, FOLLOWS], ids=["sleeps", "follows bars"])
def test_at_full_speed_it_sees_every_minute_and_twice_the_same(
    start_worker: StartWorker, real_days: str, tmp_path: Path, bot: str
) -> None:
    start_worker()
    fills = []
    for _ in range(2):
        session = after_ten_minutes(speed=0)
        process = run_bot(session, written(tmp_path, bot), "--lockstep")
        resume_once_it_waits(session)
        out, err = finished(process, 90)
        assert process.returncode == 0, out + err
        assert_every_minute(out)
        rows = AccountEvent.objects.filter(account__session=session, qty__isnull=False)
        fills.append(list(rows.order_by("number").values_list("at_ms", "qty", "price")))
    assert len(fills[0]) == 4 and fills[0] == fills[1]


def test_that_a_process_is_at_work_can_be_read_as_soon_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, found = Path.write_bytes, []

    def slowly(path: Path, data: bytes) -> int:
        path.touch()
        found.append(BotAtWork(tmp_path).rest())
        return write(path, data)

    spec = importlib.util.spec_from_file_location("at_work", START_UP / "tapedeck_market" / "at_work.py")
    assert spec and spec.loader
    at_work = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(at_work)
    monkeypatch.setattr(Path, "write_bytes", slowly)
    at_work.AtWork(tmp_path)
    assert found == [None]
    assert BotAtWork(tmp_path).rest() is None, "this thread is at work"


def test_at_a_paced_speed_too_market_time_waits_for_a_bot_that_computes_longer_than_a_minute_takes(
    start_worker: StartWorker, real_days: str, tmp_path: Path
) -> None:
    start_worker()
    session = after_ten_minutes(speed=1200)
    slow = SLEEPS.replace("time.sleep(60)", "sum(range(5_000_000)); time.sleep(60 - time.time() % 60)")
    process = run_bot(session, written(tmp_path, slow), "--lockstep")
    resume_once_it_waits(session)
    out, err = finished(process, 120)
    assert process.returncode == 0, out + err
    assert_every_minute(out)


def test_a_row_that_others_lock_now_and_then_holds_no_bot_for_good(
    start_worker: StartWorker, real_days: str, tmp_path: Path
) -> None:
    start_worker()
    session = after_ten_minutes(speed=1200)
    process = run_bot(session, written(tmp_path, SLEEPS.replace("60)", "60 - time.time() % 60)")), "--lockstep")
    resume_once_it_waits(session)
    await_clock(session, calendar.trading_day(DAY).open + dt.timedelta(minutes=13))  # it is at work by now
    end = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < end:
        with locked(Run, session.pk):
            time.sleep(0.3)
        time.sleep(0.3)
    out, err = finished(process, 1)
    assert process.returncode == 0, out + err
    assert_every_minute(out)


def test_a_server_that_takes_nothing_for_a_while_changes_no_minute(
    start_worker: StartWorker, real_days: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    start_worker()
    session = after_ten_minutes(speed=0)
    process = run_bot(session, written(tmp_path, SLEEPS), "--lockstep")
    resume_once_it_waits(session)
    await_clock(session, calendar.trading_day(DAY).open + dt.timedelta(minutes=14))
    request.getfixturevalue("full_redis")
    time.sleep(2)
    redis_connection().config_set("maxmemory", "0")
    out, err = finished(process, 120)
    assert process.returncode == 0, out + err
    assert_every_minute(out)
    rows = AccountEvent.objects.filter(account__session=session, qty__isnull=False)
    assert rows.count() == 4


def assert_every_minute(out: str) -> None:
    found = re.search(r"seen (.*)", out)
    assert found, out
    minutes = [int(hour) * 60 + int(minute) for hour, minute in (each.split(":") for each in found[1].split())]
    assert minutes == list(range(minutes[0], minutes[0] + 40)), out


def after_ten_minutes(speed: float) -> Session:
    """A session that stands there."""
    session = service.start(StartRequest(("AAPL", "MSFT"), DAY, DAY, speed=speed, paused=True)).session
    control.step(session.pk, 10)
    await_clock(session, calendar.trading_day(DAY).open + dt.timedelta(minutes=10))
    return session


def resume_once_it_waits(session: Session) -> None:
    end = time.monotonic() + 60
    while not redis_connection().exists(acknowledged_key(session.pk)):
        assert time.monotonic() < end, "the replay does not wait for the bot"
        time.sleep(0.05)
    control.resume(session.pk)


def test_a_program_that_does_not_say_when_it_waits_is_refused(real_days: str) -> None:
    with pytest.raises(CommandError, match="needs a bot that Python runs"):
        call_command("run_bot", "1", "--lockstep", "--", "sh", "bot.sh")
