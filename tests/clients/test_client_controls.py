"""A session started and driven by the client, played by a real worker."""

from __future__ import annotations

import asyncio
import datetime as dt
import time

import pytest

from tapedeck_client import (
    AsyncClient,
    Client,
    Conflict,
    InvalidRequest,
    Quote,
    Session,
    SessionFailed,
    Trade,
    WaitTimeout,
)
from tests.web_server import WebServer
from tests.workers import StartWorker

pytestmark = pytest.mark.django_db(transaction=True)
OPEN = dt.datetime(2025, 7, 2, 13, 30, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def test_a_session_is_started_and_driven(start_worker: StartWorker, owner: Client) -> None:
    start_worker()
    session = owner.start(["AAPL"], date=OPEN.date(), provider="synthetic", speed=60, name="driven")
    assert session.wait().state == "running" and session.info.name == "driven" and session.info.synthetic
    session.pause()
    assert session.settle().state == "paused"
    session.seek(OPEN + 30 * MINUTE)
    assert session.settle().clock == OPEN + 30 * MINUTE
    session.step(5)
    assert session.settle().clock == OPEN + 35 * MINUTE
    assert session.set_speed(120).speed == 120
    session.add_symbols("MSFT", "IBM")
    assert plays(session, {"AAPL", "IBM", "MSFT"})
    session.remove_symbols("AAPL")
    assert plays(session, {"IBM", "MSFT"})
    other = session.fork()
    assert other.id != session.id and other.info.forked_from == session.id
    earlier = session.fork(at=OPEN + 5 * MINUTE)
    assert earlier.settle().clock == OPEN + 5 * MINUTE
    again = session.restart()
    again.wait()
    assert session.resume().id == session.id
    for one in (session, other, earlier, again):
        one.stop()
        assert one.settle().state == "stopped"
    with pytest.raises(Conflict, match="stopped"):
        session.pause()


def plays(session: Session, symbols: set[str]) -> bool:
    end = time.monotonic() + 30
    while set(session.refresh().symbols) != symbols and time.monotonic() < end:
        time.sleep(0.05)
    return set(session.symbols) == symbols


def test_trades_and_quotes_are_read_and_streamed(start_worker: StartWorker, owner: Client) -> None:
    start_worker()
    recipe = {"types": ["bars", "trades", "quotes"], "clock_step": 60_000}
    session = owner.start(["IBM"], date=OPEN.date(), provider="synthetic", speed=0, **recipe)  # type: ignore[misc]
    trades = list(session.stream_trades(["IBM"]))
    assert isinstance(trades[0], Trade) and trades == sorted(trades, key=lambda trade: trade.at_ns)
    session.refresh()
    assert session.trades("IBM", limit=5) == tuple(trades[-5:]) and len(trades) > 1000
    quotes = session.quotes("IBM", start=OPEN + 300 * MINUTE, limit=50_000)
    assert isinstance(quotes[0], Quote) and OPEN + 300 * MINUTE <= quotes[0].at <= quotes[-1].at <= session.clock  # type: ignore[operator]
    streamed = [quote for quote in session.stream_quotes(["IBM"]) if quote.at >= quotes[0].at]
    assert streamed == list(quotes)


def test_a_start_that_cannot_be_is_refused_and_one_that_fails_says_why(
    start_worker: StartWorker, owner: Client
) -> None:
    start_worker()
    with pytest.raises(InvalidRequest, match=r"Speed -1\.0 is not possible"):
        owner.start(["AAPL"], date="2025-07-02", provider="synthetic", speed=-1)
    session = owner.start(["NOSUCHSYMBOL"], date="2025-07-02", provider="synthetic")
    with pytest.raises(SessionFailed, match="NOSUCHSYMBOL"):
        session.wait()


def test_waiting_has_an_end(owner: Client, start_worker: StartWorker) -> None:
    start_worker()
    session = owner.start(["AAPL"], date="2025-07-02", provider="synthetic", speed=1)
    session.wait()
    with pytest.raises(WaitTimeout, match=r"is running at .*, not completed"):
        session.wait(("completed",), timeout=0.5)
    session.stop()
    with pytest.raises(WaitTimeout, match="is stopped"):
        session.wait(("completed",))


def test_the_asynchronous_client_drives_too(start_worker: StartWorker, web: WebServer, token: str) -> None:
    start_worker()

    async def drive() -> list[str]:
        async with AsyncClient(web.url, token=token) as client, asyncio.timeout(60):
            session = await client.start(["AAPL"], date=OPEN.date(), provider="synthetic", speed=60)
            states = [(await session.wait()).state]
            await session.pause()
            states.append((await session.settle()).state)
            await session.resume()
            await session.set_speed(0)
            bars = [bar async for bar in session.stream_bars(["AAPL"], "15m")]
            assert len(bars) == 26
            states.append((await session.refresh()).state)
            return states

    assert asyncio.run(drive()) == ["running", "paused", "completed"]
