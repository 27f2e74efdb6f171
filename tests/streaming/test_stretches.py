"""Frames in stretches: one entry of the stream has many, and readers, lockstep and lags mean frames all the same."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from typing import Any

import pytest
import redis.asyncio
from django.conf import settings

from sessions.models import Session
from sessions.redis_client import connection as redis_connection
from streaming.engine.frames.frame import link
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.frames.stretch import Packed, Stretch
from streaming.engine.publishing.bus import BadFrame, Tail, published, stream_key
from streaming.engine.publishing.lockstep import Gate, Lockstep, NeverPublished, acknowledge
from streaming.engine.publishing.packing import packed
from streaming.engine.publishing.publisher import Publisher
from streaming.engine.records import journal as journals
from streaming.engine.records import lease as leases
from streaming.reading import registry
from streaming.reading.reader import follow
from tests.streaming.paper import Paper, collect

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paper(transactional_db: None) -> Paper:
    return Paper("AAPL", "MSFT")


def play(paper: Paper, count: int) -> Stretch:
    """The next frames go out in one entry."""
    place = (paper.generation, paper.prev, paper.chain)
    stretch, paper.k = packed(paper.tape, paper.k, paper.k + count, paper.journal, place)
    assert stretch is not None and len(stretch) == count
    paper.prev, paper.chain = stretch.id, stretch.chain
    paper.bus.raise_fence(paper.session.pk, 1)
    with closing(paper.bus.writer(paper.session.pk, 1)) as writer:
        writer.append([stretch])
    paper.write(frame_id=stretch.id.entry, chain=stretch.chain.hex())
    return stretch


def read_after(paper: Paper, cursor: FrameId, durable: int) -> list[str]:
    frames = asyncio.run(collect(follow(paper.session.pk, after=str(cursor)), durable))
    return [frame["id"] for frame in frames if frame["id"]]


def test_a_stretch_has_the_bytes_and_links_of_its_frames_made_one_by_one(paper: Paper) -> None:
    stretch = play(paper, 40)
    alone, chain, prev = [], bytes(32), None
    for k in range(40):
        frame_id = paper.tape.frame_id(k, 1)
        body = paper.tape.body(k, prev, {"AAPL", "MSFT"})
        chain, prev = link(chain, frame_id, body), frame_id
        alone.append(Packed(frame_id, body, chain))
    assert list(stretch.packed()) == alone == list(published(paper.session.pk, 1))
    assert [frame.wire()["hash"] for frame in stretch.frames] == [each.chain.hex() for each in alone]


def test_frames_made_ahead_are_those_that_are_asked_for_then(paper: Paper) -> None:
    lease = leases.claim(paper.session.pk)
    assert lease
    output = Publisher(paper.bus, lease, Session.objects.with_run().get(pk=paper.session.pk), time.sleep, print)
    frames, k = output.pack(paper.tape, 0, 3, paper.journal)
    assert frames
    output.pack_ahead(frames, paper.tape, k, 9, paper.journal)
    assert output.ahead
    made = output.ahead.made[0]
    paper.bus.raise_fence(paper.session.pk, lease.epoch)
    output.publish(frames, free=True)
    assert output.pack(paper.tape, k, 9, paper.journal)[0] is made
    for asked in ((k, 8, paper.journal), (k + 1, 9, paper.journal), (k, 9, journals.read(paper.session.pk))):
        output.pack_ahead(frames, paper.tape, k, 9, paper.journal)
        others, _ = output.pack(paper.tape, *asked)
        assert others and others is not made and others.ms == [paper.tape.instant(n) for n in range(*asked[:2])]
    output.writer.close()


def test_a_stretch_is_cut_anywhere(paper: Paper) -> None:
    stretch = play(paper, 30)
    whole = list(stretch.packed())
    assert list(stretch.later(whole[9].id).packed()) == whole[10:]
    assert list(stretch.until(whole[9].id).packed()) == whole[:10]
    assert stretch.later(None) is stretch and stretch.until(whole[-1].id) is stretch
    assert stretch.later(whole[9].id).prev == whole[9].id


def test_a_reader_goes_on_from_the_midst_of_a_stretch(paper: Paper) -> None:
    stretch = play(paper, 30)
    ids = [str(each.id) for each in stretch.packed()]
    assert read_after(paper, FrameId.parse(ids[11]), 18) == ids[12:]


def test_one_entry_that_is_there_already_is_skipped_whole(paper: Paper) -> None:
    stretch = play(paper, 30)
    with closing(paper.bus.writer(paper.session.pk, 1)) as writer:
        assert writer.append([stretch]) == 0
    assert redis_connection().xlen(stream_key(paper.session.pk, 1)) == 1


def test_lags_and_the_room_of_lockstep_count_frames(paper: Paper) -> None:
    stretch = play(paper, 30)
    ids = [each.id for each in stretch.packed()]
    play(paper, 10)
    pk = paper.session.pk

    async def held_from(k: int, window: int) -> Any:
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
        step = Lockstep(pk, "bot", window)
        async with client, step.held(client, ids[k]):
            gate = Gate(paper.bus.redis, pk, lambda message: None)
            return await asyncio.to_thread(gate.room, stream_key(pk, 1), 1)

    assert asyncio.run(held_from(29, 100)) == 90
    assert asyncio.run(held_from(0, 39)) == 0
    assert asyncio.run(held_from(20, 10)) == 0
    spans = {pk: {(str(ids[4]), str(ids[24])), (str(ids[29]), str(ids[29]))}}
    paper.session.refresh_from_db()
    lags = registry._lags([paper.session], spans)[pk]
    assert [lags[span][0] for span in sorted(lags)] == [20, 0]


def test_a_frame_of_a_stretch_can_be_acknowledged_and_one_between_two_cannot(paper: Paper) -> None:
    stretch = play(paper, 30)
    ids = [each.id for each in stretch.packed()]
    step = Lockstep(paper.session.pk, "bot", 5, by_hand=True)

    async def joined() -> None:
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
        async with client, step.held(client, None):
            assert await asyncio.to_thread(acknowledge, paper.bus.redis, step, ids[7])
            for wrong in (FrameId(1, ids[9].ms + 1, 0), FrameId(1, ids[9].ms, 1), FrameId(1, ids[29].ms + 60_000, 0)):
                with pytest.raises(NeverPublished):
                    await asyncio.to_thread(acknowledge, paper.bus.redis, step, wrong)

    asyncio.run(joined())


def test_an_entry_whose_index_does_not_fit_is_named(paper: Paper) -> None:
    play(paper, 30)
    client, key = redis_connection(), stream_key(paper.session.pk, 1)
    ((entry, fields),) = client.xrange(key)  # type: ignore[misc]
    client.delete(key)
    client.xadd(key, {"b": fields[b"b"][:-8], "h": fields[b"h"], "i": fields[b"i"]}, id=entry)

    async def page() -> Any:
        async with redis.asyncio.Redis.from_url(settings.REDIS_URL) as reader:
            return await Tail(reader, paper.session.pk).page(1, None)

    with pytest.raises(BadFrame, match="its index does not fit"):
        asyncio.run(page())


def test_symbols_that_come_end_a_stretch(paper: Paper) -> None:
    from streaming.engine.records.journal import Entry, Journal

    clock = paper.tape.day.open.replace(minute=40)
    added = Entry(99, clock, "remove", {"symbols": ["MSFT"], "generation": 1})
    journal = Journal([*paper.journal.entries, added], paper.journal.pinned)
    stretch, k = packed(paper.tape, 0, len(paper.tape), journal, (1, None, bytes(32)))
    assert stretch is not None and stretch.frames[-1].clock == clock and k == 11
    assert stretch.frames[-1].blocks[0].symbols == ("AAPL", "MSFT")
    following, _ = packed(paper.tape, k, len(paper.tape), journal, (1, stretch.id, stretch.chain))
    assert following is not None and following.frames[0].blocks[0].symbols == ("AAPL",)
