"""What a process that reads a session does about faults of its one tail: readers go on, or are given the error."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sessions.redis_client import connection as redis_connection
from streaming.base.db import in_thread
from streaming.engine.publishing.bus import stream_key
from streaming.reading import shared_tail
from streaming.reading.reader import follow
from streaming.reading.shared_tail import TailFailed
from tests.streaming.paper import Paper, collect, id_and_hash, read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paper(transactional_db: None) -> Paper:
    return Paper("AAPL", "MSFT")


def durable(frames: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [id_and_hash(frame) for frame in frames if frame["id"]]


def unblock_with_an_error() -> int:
    """Have every blocked read fail with UNBLOCKED, as a failover or a changed key does."""
    client = redis_connection()
    rows: list[dict[str, str]] = client.client_list()  # type: ignore[assignment]
    return sum(client.execute_command("CLIENT", "UNBLOCK", row["id"], "ERROR") for row in rows)


def spoil(paper: Paper, k: int) -> None:
    """Exchange the body of a frame in the stream for one that ends in the middle."""
    client, key = redis_connection(), stream_key(paper.session.pk, paper.generation)
    entries: Any = client.xrange(key)
    client.delete(key)
    for number, (entry, fields) in enumerate(entries):
        body = fields[b"b"][:30] if number == k else fields[b"b"]
        client.xadd(key, {"b": body, "h": fields[b"h"]}, id=entry)


def append_unreadable(paper: Paper) -> None:
    """The next frame arrives without its columns."""
    entry = paper.tape.frame_id(paper.k, paper.generation).entry
    redis_connection().xadd(stream_key(paper.session.pk, paper.generation), {"b": b"?", "h": b""}, id=entry)


async def meanwhile(paper: Paper, *happens: Any) -> list[dict[str, Any]]:
    """What a live reader gets while these things happen one after another, until the session's end."""
    reading = asyncio.create_task(collect(follow(paper.session.pk, from_start=True)))
    for happening in happens:
        await asyncio.sleep(0.3)
        await in_thread(happening)()
    return await reading


def test_readers_go_on_where_redis_ends_their_read_with_an_error(paper: Paper) -> None:
    unblocked: list[int] = []

    def unblock() -> None:
        unblocked.append(unblock_with_an_error())

    paper.play(3)
    frames = asyncio.run(meanwhile(paper, unblock, paper.complete))
    assert sum(unblocked), "a read was waiting"
    assert durable(frames) == paper.out


def test_a_live_reader_gets_a_frame_that_cannot_be_read_made_again(paper: Paper) -> None:
    paper.play(3)
    frames = asyncio.run(meanwhile(paper, lambda: append_unreadable(paper), lambda: paper.play(5), paper.complete))
    assert durable(frames) == paper.out


@pytest.mark.parametrize("k", [0, 4, 9])
def test_a_stored_frame_that_cannot_be_read_is_made_again(paper: Paper, k: int) -> None:
    whole = list(paper.play(10))
    spoil(paper, k)
    assert durable(read(paper.session.pk, 10, from_start=True)) == whole


def test_readers_are_given_the_error_of_a_stream_that_stays_unreadable(
    paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_tail, "RETRY_SECONDS", 0.01)
    key = stream_key(paper.session.pk, paper.generation)

    def spoil_key() -> None:
        redis_connection().delete(key)
        redis_connection().set(key, "no stream")

    paper.play(3)
    with pytest.raises(TailFailed, match="WRONGTYPE"):
        asyncio.run(meanwhile(paper, spoil_key))
    redis_connection().delete(key)
    assert durable(read(paper.session.pk, 3, from_start=True)) == paper.out[:3], "the next reader begins afresh"
