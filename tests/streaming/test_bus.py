"""Frames into a stream: under the fence, once, and over whatever connection there is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
import redis

from sessions.redis_client import connection
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.frames.stretch import Packed, Stretch
from streaming.engine.publishing.bus import Bus, Tail, published, stream_key
from streaming.engine.publishing.lockstep import acknowledged_key
from streaming.engine.publishing.writer import Fenced, FenceMissing, HeldBack, Writer, fence_key
from streaming.reading.hub import shared_hub

SESSION = 7001


@pytest.fixture
def bus() -> Iterator[Bus]:
    connection().flushdb()
    made = Bus()
    made.raise_fence(SESSION, 3)
    yield made
    made.redis.close()


@pytest.fixture
def writer(bus: Bus) -> Iterator[Writer]:
    made = bus.writer(SESSION, 3)
    yield made
    made.close()


def frames(first: int, last: int) -> list[Packed]:
    return [Packed(FrameId(1, 1000 + n, 0), b"body %d" % n, bytes([n]) * 32) for n in range(first, last)]


def test_frames_go_in_once_and_in_order_however_often_they_are_sent(writer: Writer) -> None:
    assert writer.append(frames(0, 5)) == 5
    assert writer.append(frames(2, 8)) == 3
    assert list(published(SESSION, 1)) == frames(0, 8)


def test_nothing_of_a_batch_goes_in_once_another_worker_has_raised_the_fence(bus: Bus, writer: Writer) -> None:
    writer.append(frames(0, 2))
    bus.raise_fence(SESSION, 4)
    with pytest.raises(Fenced, match="no longer at epoch 3"):
        writer.append(frames(2, 9))
    with pytest.raises(Fenced, match="is past epoch 3"):
        bus.raise_fence(SESSION, 3)
    assert list(published(SESSION, 1)) == frames(0, 2)


def test_a_flush_is_reported_and_frames_go_on_under_a_new_fence(bus: Bus, writer: Writer) -> None:
    writer.append(frames(0, 2))
    connection().flushdb()
    with pytest.raises(FenceMissing):
        writer.append(frames(2, 4))
    bus.raise_fence(SESSION, 3)
    writer.append(frames(2, 4))
    assert list(published(SESSION, 1)) == frames(2, 4)


def test_a_fence_that_is_set_again_as_it_was_holds_nothing_up(writer: Writer) -> None:
    writer.append(frames(0, 2))
    connection().set(fence_key(SESSION), 3)
    assert writer.append(frames(2, 4)) == 2


def test_a_lost_connection_is_reported_and_its_successor_watches_the_fence_too(bus: Bus, writer: Writer) -> None:
    writer.append(frames(0, 2))
    connection().client_kill_filter(_type="normal", skipme=True)
    bus.redis.connection_pool.disconnect(inuse_connections=False)
    with pytest.raises(redis.ConnectionError):
        writer.append(frames(2, 4))
    assert writer.append(frames(2, 4)) == 2
    bus.raise_fence(SESSION, 4)
    with pytest.raises(Fenced):
        writer.append(frames(4, 6))


def test_a_lockstep_reader_that_comes_between_two_batches_holds_the_second_back(writer: Writer) -> None:
    writer.append(frames(0, 2), free=True)
    connection().hset(acknowledged_key(SESSION), "reader", "token|10|0.0-0")
    with pytest.raises(HeldBack):
        writer.append(frames(2, 4), free=True)
    assert writer.append(frames(2, 4)) == 2
    connection().hset(acknowledged_key(SESSION), "reader", "token|10|1.1003-0")
    assert writer.append(frames(4, 6)) == 2


def test_what_redis_refuses_is_an_error_and_not_a_frame_less(writer: Writer) -> None:
    writer.append(frames(0, 2))
    broken = Packed(FrameId(1, 2000, 0), b"body", b"chain")
    connection().set(stream_key(SESSION, 2), "no stream")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        writer.append([Packed(FrameId(2, 1, 0), broken.body, broken.chain)])
    assert writer.append([broken]) == 1


def test_a_worker_plays_more_sessions_than_the_library_pools_connections(bus: Bus) -> None:
    with ExitStack() as stack:
        for number in range(SESSION + 1, SESSION + 121):
            bus.raise_fence(number, 1)
            assert stack.enter_context(closing(bus.writer(number, 1))).append(frames(0, 1)) == 1


def test_a_process_reads_more_sessions_than_the_library_pools_connections(bus: Bus) -> None:
    async def wait_for_all() -> list[tuple[list[Stretch], frozenset[str]]]:
        async with shared_hub() as hub:
            tails = [Tail(hub.redis, number) for number in range(SESSION, SESSION + 120)]
            return await asyncio.gather(*(tail.read(1, None, block_ms=500) for tail in tails))

    assert asyncio.run(wait_for_all()) == [([], frozenset())] * 120
