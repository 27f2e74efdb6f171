"""Streams of a real server: each frame once and in order, through lost connections, seeks and both transports."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

from sessions.models import State
from tapedeck_client import (
    AsyncClient,
    Bar,
    Client,
    ConnectionLost,
    DayClose,
    DayOpen,
    End,
    Frame,
    InvalidRequest,
    NotAllowed,
    NotAuthenticated,
    Notice,
    Reconnected,
    Reset,
    SessionFailed,
    Snapshot,
)
from tapedeck_client import State as StateNotice
from tests.clients.meanwhile import meanwhile
from tests.streaming.paper import Paper
from tests.streaming.rows import a_session
from tests.web_server import WebServer

pytestmark = pytest.mark.django_db(transaction=True)
TRANSPORTS = pytest.mark.parametrize("transport", ["sse", "websocket"])
Items = list[Frame | Notice]


def played(items: Items) -> list[tuple[str, str]]:
    """The frames' ids and hashes."""
    return [(str(item.id), item.hash) for item in items if isinstance(item, Frame)]


def follow(web: WebServer, key: str, paper: Paper, **options: Any) -> Items:
    with Client(web.url, key=key) as client:
        return list(client.session(paper.session.pk).stream(**options))


def follow_async(web: WebServer, key: str, paper: Paper, **options: Any) -> Items:
    async def read() -> Items:
        async with AsyncClient(web.url, key=key) as client, asyncio.timeout(60):
            session = await client.session(paper.session.pk)
            async with session.stream(**options) as stream:
                return [item async for item in stream]

    return asyncio.run(read())


BOTH = pytest.mark.parametrize("follow", [follow, follow_async], ids=["plain", "asyncio"])


@TRANSPORTS
@BOTH
def test_the_run_comes_frame_by_frame_to_its_end(
    follow: Callable[..., Items], transport: str, web: WebServer, key: str, paper: Paper
) -> None:
    out = paper.complete()
    items = follow(web, key, paper, transport=transport, from_start=True)
    assert played(items) == out
    frames = [item for item in items if isinstance(item, Frame)]
    assert isinstance(frames[0].events[0], DayOpen) and isinstance(frames[-1].events[-1], DayClose)
    assert [bar.symbol for bar in frames[1].bars] == ["AAPL", "MSFT"]
    assert all(bar.end == frame.clock for frame in frames for bar in frame.bars)
    assert isinstance(items[-1], End) and items[-1].state == "completed"


@TRANSPORTS
@BOTH
def test_a_late_reader_gets_the_day_so_far_and_then_the_rest(
    follow: Callable[..., Items], transport: str, web: WebServer, key: str, paper: Paper
) -> None:
    paper.play(6)
    with meanwhile(paper.session, 0.7, paper.complete):
        items = follow(web, key, paper, transport=transport, intervals=["1m"], symbols=["aapl"])
    snapshot = next(item for item in items if isinstance(item, Snapshot))
    assert (str(snapshot.as_of), len(snapshot.bars)) == (paper.out[5][0], 5)
    assert played(items)[-1] == paper.out[-1]
    minutes = [*snapshot.bars, *(bar for item in items if isinstance(item, Frame) for bar in item.bars)]
    assert [(bar.symbol, bar.interval) for bar in minutes] == [("AAPL", "1m")] * 390
    assert [bar.start for bar in minutes] == sorted({bar.start for bar in minutes})


@TRANSPORTS
@BOTH
def test_a_stream_goes_on_after_a_cursor(
    follow: Callable[..., Items], transport: str, web: WebServer, key: str, paper: Paper
) -> None:
    out = paper.complete()
    items = follow(web, key, paper, transport=transport, after=out[99][0])
    assert played(items) == out[100:]
    assert [item for item in items if isinstance(item, Snapshot)] == []


@TRANSPORTS
@BOTH
def test_frames_come_once_though_the_server_is_killed(
    follow: Callable[..., Items],
    transport: str,
    own_web: WebServer,
    key: str,
    paper: Paper,
) -> None:
    def break_off() -> None:
        paper.play(50)
        own_web.stop()
        paper.play(50)
        own_web.start()
        paper.complete()

    paper.play(20)
    with meanwhile(paper.session, 0.7, break_off):
        items = follow(own_web, key, paper, transport=transport, from_start=True)
    assert played(items) == paper.out
    (back,) = [item for item in items if isinstance(item, Reconnected)]
    before = played(items[: items.index(back)])
    assert str(back.after) == before[-1][0] and back.attempts >= 1 and back.seconds > 0
    assert own_web.url in back.reason or "closed the stream" in back.reason


def test_a_seek_is_a_reset_and_a_new_day_so_far(web: WebServer, key: str, paper: Paper) -> None:
    paper.play(40)
    with Client(web.url, key=key) as client, client.session(paper.session.pk).stream(intervals=["1m"]) as stream:
        assert isinstance(first := next(stream), Snapshot) and first.as_of is not None
        assert isinstance(next(stream), StateNotice)
        paper.seek(10)
        reset, snapshot = next(stream), next(stream)
        assert reset == Reset("moved to generation 2") and isinstance(snapshot, Snapshot)
        paper.play(2)
        frames = list(islice(stream.frames(), 2))
        assert played([*frames]) == paper.out[:2] and stream.cursor == frames[-1].id


def test_bars_alone_leave_notices_to_who_wants_them(web: WebServer, key: str, paper: Paper) -> None:
    paper.complete()
    seen: list[Notice] = []
    with Client(web.url, key=key) as client:
        session = client.session(paper.session.pk)
        bars = list(session.stream_bars(["AAPL"], "15m", on_notice=seen.append))
        assert bars == list(session.bars("AAPL", "15m")) and isinstance(bars[0], Bar)
        first = next(iter(session.stream_bars("AAPL")))
        assert (first.symbol, first.interval, first.start) == ("AAPL", "1m", bars[0].start)
    assert [type(notice) for notice in seen] == [StateNotice, End]


def test_batches_hold_so_many_frames_and_the_rest(web: WebServer, key: str, paper: Paper) -> None:
    paper.complete()
    with Client(web.url, key=key) as client:
        stream = client.session(paper.session.pk).stream(from_start=True, intervals=["1m"])
        batches = list(stream.batches(frames=100))
    assert [len(batch.frames) for batch in batches] == [100, 100, 100, 91]
    assert sum(len(batch.bars) for batch in batches) == 780 and batches[0].clock == batches[0].frames[-1].clock


def test_a_failed_session_raises_its_reason(web: WebServer, token: str, transactional_db: None) -> None:
    session = a_session("AAPL")
    session.move_to(State.FAILED, reason="the provider is gone")
    with Client(web.url, token=token) as client, pytest.raises(SessionFailed, match="the provider is gone"):
        list(client.session(session.pk).stream_bars())


@TRANSPORTS
@BOTH
def test_what_the_server_refuses_is_raised_at_once(
    follow: Callable[..., Items], transport: str, web: WebServer, key: str, token: str, paper: Paper
) -> None:
    with pytest.raises(InvalidRequest, match="ZZZ is not in this session"):
        follow(web, key, paper, transport=transport, symbols=["ZZZ"])
    other = a_session("IBM")
    with Client(web.url, token=token) as client:
        session = client.session(other.pk)
    with Client(web.url, key=key) as client, pytest.raises(NotAllowed, match="that session and nothing else"):
        session.client = client
        next(session.stream(transport=transport))
    with Client(web.url, key="RKNONE.secret") as client, pytest.raises(NotAuthenticated):
        session.client = client
        next(session.stream(transport=transport))


def test_patience_ends(own_web: WebServer, key: str, paper: Paper) -> None:
    paper.play(3)
    with Client(own_web.url, key=key) as client:
        stream = client.session(paper.session.pk).stream(patience=1.0)
        assert isinstance(next(stream), Snapshot)
        own_web.stop()
        with pytest.raises(ConnectionLost, match="no connection for"):
            list(stream)


def test_no_reader_stays_behind_when_a_loop_is_left(web: WebServer, owner: Client, paper: Paper) -> None:
    paper.play(5)
    session = owner.session(paper.session.pk)
    with session.stream(from_start=True, name="short") as stream:
        next(stream)
        assert "short" in names_within(owner, paper, lambda names: "short" in names)
    assert "short" not in names_within(owner, paper, lambda names: "short" not in names)


def names_within(client: Client, paper: Paper, done: Callable[[set[str]], bool]) -> set[str]:
    names: set[str] = set()
    for _ in range(100):
        names = {row.name for row in client.session(paper.session.pk).readers()}
        if done(names):
            break
        threading.Event().wait(0.1)
    return names
