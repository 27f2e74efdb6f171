"""A replay that waits for the client, at full speed, over both transports."""

from __future__ import annotations

import asyncio
import time

import pytest

from tapedeck_client import AsyncClient, Client, Frame, Released, Session
from tests.web_server import WebServer
from tests.workers import StartWorker

pytestmark = pytest.mark.django_db(transaction=True)
TRANSPORTS = pytest.mark.parametrize("transport", ["sse", "websocket"])
FRAMES = 391


@pytest.fixture
def waiting(start_worker: StartWorker, owner: Client) -> Session:
    """A session that stands before its first minute, with the open's frame published."""
    start_worker()
    session = owner.start(["AAPL"], date="2025-07-02", provider="synthetic", speed=1)
    session.wait()
    while not session.refresh().frame_count:
        time.sleep(0.02)
    session.pause()
    session.wait(("paused",))
    return session


def started(session: Session, speed: float = 0) -> None:
    """Playing, once the replay knows of its reader."""
    end = time.monotonic() + 20
    while not any(row.lockstep for row in session.readers()) and time.monotonic() < end:
        time.sleep(0.05)
    session.set_speed(speed)
    session.resume()


@TRANSPORTS
def test_the_replay_is_never_more_than_a_frame_ahead(waiting: Session, transport: str) -> None:
    frames: list[Frame] = []
    with waiting.stream(lockstep="trainer", transport=transport, from_start=True, intervals=["5m"]) as stream:  # type: ignore[arg-type]
        for frame in stream.frames():
            if not frames:
                started(waiting)
            frames.append(frame)
            if len(frames) % 50 == 0:
                time.sleep(0.1)
                assert waiting.refresh().frame_count <= len(frames) + 1
    assert len(frames) == FRAMES and len({frame.id for frame in frames}) == FRAMES
    assert waiting.refresh().state == "completed"


@TRANSPORTS
@pytest.mark.parametrize(("speed", "words"), [(6000, "silent for too long"), (0, "has ended without waiting")])
def test_a_reader_that_was_silent_is_warned_and_misses_nothing(
    waiting: Session, transport: str, speed: float, words: str
) -> None:
    frames, released = [], []
    with waiting.stream(lockstep="slow", transport=transport, from_start=True) as stream:  # type: ignore[arg-type]
        for item in stream:
            if isinstance(item, Released):
                released.append(item)
            if isinstance(item, Frame):
                if not frames:
                    started(waiting, speed)
                frames.append(item)
                if len(frames) == 5:
                    time.sleep(4)  # longer than LOCKSTEP_TTL of the tests' web server
    assert [frame.id for frame in frames] == sorted({frame.id for frame in frames}) and len(frames) == FRAMES
    assert released and all(words in each.reason for each in released)


@TRANSPORTS
def test_an_asynchronous_reader_is_waited_for_too(waiting: Session, web: WebServer, token: str, transport: str) -> None:
    async def learn() -> int:
        count = 0
        async with AsyncClient(web.url, token=token) as client, asyncio.timeout(90):
            session = await client.session(waiting.id)
            async with session.stream(lockstep="bot", window=5, transport=transport, from_start=True) as stream:  # type: ignore[arg-type]
                async for _ in stream.frames():
                    if not count:
                        await asyncio.to_thread(started, waiting)
                    count += 1
                    if count == 100:
                        await asyncio.sleep(0.3)
                        assert (await session.refresh()).frame_count <= 105
        return count

    assert asyncio.run(learn()) == FRAMES
