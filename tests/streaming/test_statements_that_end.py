"""Statements that a Postgres which answers ends each time: who waits for one is given the error, or says why."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import OperationalError, connection, connections

from gateway.running.clock_file import ClockFile
from gateway.running.market_time import MarketTime
from streaming.base import db
from streaming.base.db import in_thread, waited_for
from streaming.reading import shared_tail
from streaming.reading.reader import follow
from streaming.reading.shared_tail import TailFailed
from tests.streaming.paper import Paper, collect
from tests.streaming.rows import a_session

pytestmark = pytest.mark.django_db(transaction=True)
TIMEOUT = "SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)"
DEADLOCK = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01', MESSAGE = 'deadlock detected'; END $$"
GONE = "SELECT pg_terminate_backend(pg_backend_pid())"


def failing(statement: str, times: float) -> Callable[[], int]:
    """As many times, then the number of calls."""
    calls = 0

    def ask() -> int:
        nonlocal calls
        calls += 1
        with connection.cursor() as cursor:
            cursor.execute(statement if calls <= times else "SELECT 1")
        return calls

    return ask


@contextmanager
def unreadable(table: str) -> Iterator[None]:
    """Whoever reads the table is refused after a moment."""
    name, other = connection.settings_dict["NAME"], connections.create_connection("default")
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" SET lock_timeout = 50')
    connection.close_pool()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        other.rollback()
        other.close()
        with connection.cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{name}" RESET lock_timeout')
        connection.close_pool()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "RETRY_AFTER", 0.01)
    monkeypatch.setattr(shared_tail, "RETRY_SECONDS", 0.01)


def wait_for(ask: Callable[[], int]) -> int:
    return asyncio.run(asyncio.wait_for(waited_for(ask), 20))


def test_a_reader_waits_for_a_server_that_is_away_as_long_as_it_takes() -> None:
    assert wait_for(failing(GONE, 3 * db.MOST_FAILURES)) == 3 * db.MOST_FAILURES + 1


def test_a_deadlock_is_tried_again() -> None:
    assert wait_for(failing(DEADLOCK, 3)) == 4


def test_a_statement_that_is_canceled_each_time_is_the_readers_error() -> None:
    with pytest.raises(OperationalError, match="statement timeout"):
        wait_for(failing(TIMEOUT, float("inf")))


def test_a_row_that_cannot_be_read_is_the_error_of_who_follows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_tail, "LOOK_EVERY", 0.05)
    paper = Paper("AAPL")
    paper.play(3)

    async def read_on() -> None:
        frames = follow(paper.session.pk, from_start=True)
        await anext(frames)  # its session is found
        reading = asyncio.create_task(collect(frames))
        locked = unreadable("replay_session")
        await in_thread(locked.__enter__)()
        try:
            await asyncio.wait_for(reading, 20)
        finally:
            await in_thread(lambda: locked.__exit__(None, None, None))()

    with pytest.raises(TailFailed, match="lock timeout"):
        asyncio.run(read_on())


def test_a_bots_clock_that_stands_says_why_and_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    session, file = a_session("AAPL"), ClockFile(tmp_path / "clock")
    market = MarketTime(session.pk, file)
    market.start()
    try:
        with unreadable("replay_session"):
            time.sleep(1.5)
        said = [record.getMessage() for record in caplog.records if "The bot's clock stands" in record.getMessage()]
        assert said == [
            "The bot's clock stands: Postgres did not finish it (canceling statement due to lock timeout): "
            "it may do so the next time"
        ]
        type(session).objects.filter(pk=session.pk).update(speed=7.0)
        end = time.monotonic() + 10
        while market.speed != 7.0 and time.monotonic() < end:
            time.sleep(0.02)
        assert market.speed == 7.0
    finally:
        market.stop()
        file.close()
