"""Readers: joining late, going on from a cursor, falling behind, and being shown with their lag."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions.redis_client import connection as redis_connection
from streaming.as_of.session_data import get_session_data
from streaming.base.db import in_thread
from streaming.engine.frames.frame import Frame
from streaming.reading import rederive, shared_tail
from streaming.reading import registry as readers
from streaming.reading.hub import _hubs, shared_hub
from streaming.reading.reader import Reading, follow, items_of
from tests.streaming.paper import Paper, collect, id_and_hash, kinds, read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paper(transactional_db: None) -> Paper:
    return Paper("AAPL", "MSFT")


def durable(frames: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [id_and_hash(frame) for frame in frames if frame["id"]]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("play"), st.integers(1, 60)),
        st.tuples(st.just("read"), st.integers(1, 60)),
        st.tuples(st.just("trim"), st.integers(1, 20)),
        st.tuples(st.just("flush"), st.just(0)),
    ),
    min_size=2,
    max_size=14,
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_a_connection_cut_at_any_moment_goes_on_right_after_its_last_frame(transactional_db: None, steps: Any) -> None:
    """Whatever was played, trimmed or lost meanwhile: every frame once, in order, with its hash."""
    paper, had = Paper("AAPL"), []
    for step, count in steps:
        if step == "play":
            paper.play(count)
        elif step == "read":
            place = {"after": had[-1][0]} if had else {"from_start": True}
            had += durable(read(paper.session.pk, min(count, len(paper.out) - len(had)), **place))
        elif step == "trim" and paper.out:
            paper.trim(min(count, len(paper.out)))
        elif step == "flush":
            redis_connection().flushdb()
    whole = paper.complete()
    had += durable(read(paper.session.pk, after=had[-1][0]) if had else read(paper.session.pk, from_start=True))
    assert had == whole


def test_who_joins_late_gets_the_day_so_far_and_then_the_tail_without_a_seam(paper: Paper) -> None:
    paper.play(32)
    data = get_session_data(paper.session.pk)
    shown = [bar for name in ("1m", "5m") for bar in data.get_symbol_data("AAPL").bars(name)]

    async def join() -> list[dict[str, Any]]:
        frames = follow(paper.session.pk, symbols=["AAPL"], intervals=["1m", "5m"])
        first = await anext(frames)
        await in_thread(paper.complete)()
        return [first, *await collect(frames)]

    first, *rest = asyncio.run(join())
    (snapshot,) = first["events"]
    assert (snapshot["type"], snapshot["as_of"], snapshot["bars"]) == ("snapshot", paper.out[31][0], shown)
    later = [event for frame in rest for event in frame["events"] if event["type"] == "bar"]
    assert len(snapshot["bars"]) + len(later) == 390 + 78
    assert min(bar["end"] for bar in later) > snapshot["clock"] >= max(bar["end"] for bar in shown)


def test_a_seek_resets_readers_at_once_and_they_begin_with_the_day_so_far(paper: Paper) -> None:
    paper.play(40)

    async def follow_a_seek() -> tuple[list[dict[str, Any]], float]:
        frames = follow(paper.session.pk, after=paper.out[38][0])
        found = [await anext(frames), await anext(frames)]
        await asyncio.sleep(0.05)
        await in_thread(paper.seek)(10)
        moved = time.monotonic()
        found += [await anext(frames), await anext(frames)]
        noticed = time.monotonic() - moved
        await in_thread(paper.complete)()
        return [*found, *await collect(frames)], noticed

    frames, _ = asyncio.run(asyncio.wait_for(follow_a_seek(), 30))
    assert kinds(frames) == ["state", "reset", "snapshot", "state", "end"]
    reset = next(i for i, frame in enumerate(frames) if frame["events"][0]["type"] == "reset")
    assert len(frames[reset + 1]["events"][0]["bars"]) == 2 * (10 + 2)
    assert durable(frames[reset:]) == paper.out
    assert paper.out[0][0].startswith("2.")


def test_a_cursor_of_an_older_generation_is_reset_first(paper: Paper) -> None:
    old = paper.play(20)[-1][0]
    paper.seek(5)
    whole = paper.complete()
    frames = read(paper.session.pk, after=old)
    assert kinds(frames)[:2] == ["reset", "snapshot"]
    assert "generation 1" in frames[0]["events"][0]["reason"]
    assert frames[1]["events"][0]["as_of"] == whole[-1][0]


def test_a_cursor_from_outside_the_session_is_reset(paper: Paper) -> None:
    paper.complete()
    assert kinds(read(paper.session.pk, after="1.253402300799000-0"))[0] == "reset"


def test_a_filtered_frame_keeps_its_id_and_hash_and_empty_ones_are_thinned(paper: Paper) -> None:
    whole = paper.complete()
    frames = read(paper.session.pk, from_start=True, symbols=["MSFT"], intervals=["15m"])
    events = [event for frame in frames if frame["id"] for event in frame["events"]]
    bars = [event for event in events if event["type"] == "bar"]
    assert {(bar["symbol"], bar["interval"]) for bar in bars} == {("MSFT", "15m")} and len(bars) == 26
    assert set(durable(frames)) <= set(whole)
    assert len(durable(frames)) < len(whole)


def test_many_readers_of_an_old_session_share_one_derivation(paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(paper.complete())
    redis_connection().flushdb()
    derived: list[object] = []
    derive = rederive.frames_between

    def counting(*args: Any) -> Any:
        derived.append(args)
        return derive(*args)

    monkeypatch.setattr(rederive, "frames_between", counting)

    async def all_at_once() -> list[list[dict[str, Any]]]:
        return await asyncio.gather(*(collect(follow(paper.session.pk, from_start=True)) for _ in range(20)))

    for frames in asyncio.run(all_at_once()):
        assert durable(frames) == whole
    assert len(derived) == 1


def test_a_reader_who_falls_behind_is_reported_and_misses_nothing_and_holds_up_nobody(
    paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_tail, "RING_ENTRIES", 8)

    async def behind() -> tuple[list[Any], list[Any]]:
        async with shared_hub() as hub:
            slow = items_of(Reading(paper.session.pk, from_start=True), hub)
            fast = items_of(Reading(paper.session.pk, from_start=True), hub)
            first = [await anext(slow), asyncio.ensure_future(anext(slow))]
            early = asyncio.ensure_future(_all(fast))
            await in_thread(paper.play)(1)
            first = [first[0], await first[1]]
            assert isinstance(first[1], Frame)
            pending = asyncio.ensure_future(anext(slow))
            await asyncio.sleep(0.1)
            for _ in range(10):
                await in_thread(paper.play)(39)
                await asyncio.sleep(0.02)
            await in_thread(paper.complete)()
            got = await early
            return [*first, await pending, *await _all(slow)], got

    slow, fast = asyncio.run(asyncio.wait_for(behind(), 60))
    for items in (slow, fast):
        ids = [(str(item.id), item.hash) for item in items if isinstance(item, Frame)]
        assert ids == paper.out
    assert "lagging" in [item.event["type"] for item in slow if not isinstance(item, Frame)]


async def _all(items: Any) -> list[Any]:
    return [item async for item in items]


def test_readers_are_shown_with_their_place_and_lag(paper: Paper) -> None:
    paper.play(31)

    async def look() -> list[dict[str, Any]]:
        frames = follow(paper.session.pk, after=paper.out[20][0], kind="bot", name="slow one")
        async with contextlib.aclosing(frames):  # type: ignore[type-var]
            await anext(frames)
            await anext(frames)
            for _ in range(100):
                rows = await in_thread(readers.of_session)(paper.session)
                if rows and rows[0]["cursor"] == paper.out[21][0]:
                    return rows
                await asyncio.sleep(0.05)
        return []

    (row,) = asyncio.run(asyncio.wait_for(look(), 30))
    assert (row["kind"], row["name"], row["lockstep"]) == ("bot", "slow one", False)
    assert (row["lag_frames"], row["lag_seconds"]) == (9, 540)
    assert readers.of_session(paper.session) == [], "who has left is not shown"


def test_the_last_reader_leaves_nothing_running(paper: Paper) -> None:
    async def read_and_leave() -> int:
        await collect(follow(paper.session.pk, from_start=True), 5)
        await asyncio.sleep(0)
        return len(asyncio.all_tasks()) - 1 + len(_hubs)

    paper.play(10)
    assert asyncio.run(read_and_leave()) == 0
