"""Lockstep: the replay is never more than a window ahead of the slowest live reader, and waits for no dead one."""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import aclosing
from typing import Any

import pytest
import redis.asyncio
from django.conf import settings as django_settings

from sessions import control
from sessions.models import Session, State
from sessions.redis_client import connection as redis_connection
from sessions.redis_keys import session_key
from streaming.base.db import in_thread
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.publishing.bus import stream_key
from streaming.engine.publishing.lockstep import BadWindow, Gate, Lockstep, acknowledge
from streaming.reading.reader import follow
from streaming.starts import service
from streaming.starts.request import StartRequest
from tests.streaming.paper import Paper, kinds
from tests.workers import StartWorker

pytestmark = pytest.mark.django_db(transaction=True)


def gate_of(paper: Paper, reported: list[str] | None = None) -> Gate:
    return Gate(paper.bus.redis, paper.session.pk, (reported if reported is not None else []).append)


def room(paper: Paper, gate: Gate) -> int | None:
    return gate.room(stream_key(paper.session.pk, paper.generation), paper.generation)


@pytest.mark.parametrize("window", [1, 3])
def test_no_more_frames_go_out_than_the_window_of_the_slowest(transactional_db: None, window: int) -> None:
    paper = Paper("AAPL")
    gate = gate_of(paper)
    paper.play(5)
    assert room(paper, gate) is None, "nobody is waited for"

    async def in_step() -> list[int | None]:
        rooms = []
        client = redis.asyncio.Redis.from_url(django_settings.REDIS_URL)
        step = Lockstep(paper.session.pk, "bot", window)
        async with client, step.held(client, FrameId.parse(paper.out[-1][0])):
            for count in (1, window - 1):
                rooms.append(await in_thread(room)(paper, gate))
                await in_thread(paper.play)(count)
            rooms.append(await in_thread(room)(paper, gate))
            await step.acknowledge(FrameId.parse(paper.out[5][0]))
            rooms.append(await in_thread(room)(paper, gate))
        return [*rooms, await in_thread(room)(paper, gate)]

    assert asyncio.run(in_step()) == [window, window - 1, 0, 1, None]


def test_a_reader_gone_silent_is_let_go_with_a_word_and_the_reader_is_reported(
    transactional_db: None, settings: Any
) -> None:
    settings.LOCKSTEP_TTL = 0.3
    paper, reported = Paper("AAPL"), []
    gate = gate_of(paper, reported)
    paper.play(3)

    async def hang() -> list[dict[str, Any]]:
        frames = follow(paper.session.pk, after=paper.out[0][0], lockstep="bot")
        async with aclosing(frames):  # type: ignore[type-var]
            found = [await anext(frames), await anext(frames)]
            assert room(paper, gate) == 0, "two frames are out, one is allowed"
            await in_thread(fall_silent)()
            return [*found, await anext(frames)]

    def fall_silent() -> None:
        # The lease is not renewed while its event loop hangs; here it is taken away instead of hanging.
        redis_connection().zadd(session_key(paper.session.pk, "lockstep"), {"bot": 1})
        assert room(paper, gate) is None

    frames = asyncio.run(asyncio.wait_for(hang(), 30))
    assert reported == ["lockstep reader bot was silent for 0.3 s and is released"]
    assert kinds(frames) == ["state", "lagging"]


def test_the_stream_is_not_trimmed_past_a_live_lockstep_reader(transactional_db: None) -> None:
    paper = Paper("AAPL")
    paper.play(50)

    async def hold() -> tuple[int, int]:
        client = redis.asyncio.Redis.from_url(django_settings.REDIS_URL)
        step = Lockstep(paper.session.pk, "bot")
        async with client, step.held(client, FrameId.parse(paper.out[9][0])):
            await in_thread(paper.trim)(5)
            kept = paper.held()
        await in_thread(paper.trim)(5)
        return kept, paper.held()

    assert asyncio.run(hold()) == (41, 5)


def test_a_newer_reader_of_the_same_name_takes_the_place_of_the_older(transactional_db: None) -> None:
    paper = Paper("AAPL")
    paper.play(4)

    async def again() -> tuple[bool, bool]:
        client = redis.asyncio.Redis.from_url(django_settings.REDIS_URL)
        first, second = Lockstep(paper.session.pk, "bot"), Lockstep(paper.session.pk, "bot")
        place = FrameId.parse(paper.out[3][0])
        async with client, first.held(client, place), second.held(client, place):
            return await first.acknowledge(place), await second.acknowledge(place)

    assert asyncio.run(again()) == (False, True)
    assert not acknowledge(redis_connection(), Lockstep(paper.session.pk, "bot"), FrameId(1, 0, 0)), "both have left"


def test_an_acknowledgement_waits_for_a_server_that_takes_nothing_and_is_kept(
    transactional_db: None, request: pytest.FixtureRequest
) -> None:
    paper = Paper("AAPL")
    gate = gate_of(paper)
    paper.play(2)

    async def through_it() -> list[int | None]:
        client = redis.asyncio.Redis.from_url(django_settings.REDIS_URL)
        step = Lockstep(paper.session.pk, "bot")
        async with client, step.held(client, FrameId.parse(paper.out[0][0])):
            rooms = [await in_thread(room)(paper, gate)]
            request.getfixturevalue("full_redis")
            acknowledging = asyncio.create_task(step.acknowledge(FrameId.parse(paper.out[1][0])))
            await asyncio.sleep(1)
            assert not acknowledging.done(), "it waits"
            rooms.append(await in_thread(room)(paper, gate))
            await in_thread(redis_connection().config_set)("maxmemory", "0")
            assert await acknowledging
            return [*rooms, await in_thread(room)(paper, gate)]

    assert asyncio.run(through_it()) == [0, 0, 1]


def test_a_reader_is_not_silent_that_could_not_be_heard(
    transactional_db: None, settings: Any, request: pytest.FixtureRequest
) -> None:
    settings.LOCKSTEP_TTL = 0.4
    paper, reported = Paper("AAPL"), []
    gate = gate_of(paper, reported)
    paper.play(2)

    async def through_it() -> int | None:
        client = redis.asyncio.Redis.from_url(django_settings.REDIS_URL)
        step = Lockstep(paper.session.pk, "bot")
        async with client, step.held(client, FrameId.parse(paper.out[0][0])):
            request.getfixturevalue("full_redis")
            await asyncio.sleep(0.5)
            with pytest.raises(redis.exceptions.OutOfMemoryError):
                await in_thread(room)(paper, gate)
            await in_thread(redis_connection().config_set)("maxmemory", "0")
            return await in_thread(room)(paper, gate)

    assert asyncio.run(through_it()) == 0
    assert reported == []


def test_a_window_out_of_range_is_refused_in_words() -> None:
    with pytest.raises(BadWindow, match="A window of 0 frames is not possible: give 1 to 100"):
        Lockstep(1, "bot", 0)


def test_a_real_replay_at_full_speed_stays_within_the_window_of_a_slow_reader(
    start_worker: StartWorker, real_days: str
) -> None:
    start_worker()
    day = dt.date(2025, 7, 3)
    session = service.start(StartRequest(("AAPL", "MSFT"), day, day, speed=60)).session
    control.pause(session.pk)

    async def in_step() -> tuple[list[dict[str, Any]], list[int]]:
        found, ahead = [], []
        frames = follow(session.pk, from_start=True, lockstep="slow bot")
        async with aclosing(frames):  # type: ignore[type-var]
            found.append(await anext(frames))
            await in_thread(control.set_speed)(session.pk, 0)
            await in_thread(control.resume)(session.pk)
            async for frame in frames:
                found.append(frame)
                if frame["id"] and frame["id"].endswith("80000-0"):
                    await asyncio.sleep(0.05)
                    out = await in_thread(_after)(frame["id"])
                    ahead.append(out)
        return found, ahead

    def _after(cursor: str) -> int:
        low = "(" + cursor.split(".")[1]
        return len(redis_connection().xrange(stream_key(session.pk, 1), low, "+"))  # type: ignore[arg-type]

    frames, ahead = asyncio.run(asyncio.wait_for(in_step(), 90))
    assert sum(bool(frame["id"]) for frame in frames) == 211
    assert len(ahead) > 10 and max(ahead) <= 1
    assert Session.objects.get(pk=session.pk).state == State.COMPLETED
