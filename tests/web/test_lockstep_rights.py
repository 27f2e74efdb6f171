"""Lockstep is a control: it needs a right, a reader's name is its opener's, and only what came is acknowledged."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.test import Client

from sessions import keys
from streaming.base.db import in_thread
from streaming.engine.publishing.bus import stream_key
from streaming.engine.publishing.lockstep import Gate
from tests.streaming.paper import Paper
from tests.web.asgi_client import connected, http, post, received, socket
from tests.web.conftest import account

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gate(paper: Paper) -> Gate:
    paper.play(3)
    return Gate(paper.bus.redis, paper.session.pk, lambda reported: None)


def room(paper: Paper, gate: Gate) -> int | None:
    return gate.room(stream_key(paper.session.pk, paper.generation), paper.generation)


def bearer(paper: Paper, **rights: bool) -> dict[str, str]:
    key, secret = keys.create(paper.session, **rights)
    return {"authorization": f"Bearer {key.key_id}.{secret}"}


def stream_of(paper: Paper, name: str = "bot") -> str:
    return f"/api/sessions/{paper.session.pk}/stream/?after={paper.out[1][0]}&lockstep={name}"


def acknowledge(paper: Paper, headers: dict[str, str], frame: str = "") -> int:
    address = f"/api/sessions/{paper.session.pk}/readers/bot/acknowledge/"
    body = {"id": frame or paper.out[2][0]}
    return int(Client(headers=headers).post(address, body, content_type="application/json").status_code)


async def status_of(path: str, headers: dict[str, str]) -> tuple[int, str]:
    async with connected(http(path, headers)) as wire:
        return int((await wire.next())["status"]), (await wire.next())["body"].decode()


def test_a_socket_in_lockstep_holds_the_replay_until_it_acknowledges(
    paper: Paper, gate: Gate, operator: dict[str, str]
) -> None:
    async def hold() -> list[int | None]:
        wire = socket(f"/ws/sessions/{paper.session.pk}/?after={paper.out[1][0]}&lockstep=bot", operator)
        wire.incoming.put_nowait({"type": "websocket.connect"})
        async with connected(wire):
            await wire.next()
            while (await received(wire))["id"] is None:
                pass
            rooms = [await in_thread(room)(paper, gate)]
            post(wire, action="acknowledge", id=paper.out[2][0])
            post(wire, action="acknowledge", id="1.9999999999999-0")
            refusal = await received(wire)
            assert "has not been sent yet" in refusal["events"][0]["message"]
            return [*rooms, await in_thread(room)(paper, gate)]

    assert asyncio.run(hold()) == [0, 1]


def test_acknowledging_over_http_is_for_who_opened_the_reader(
    paper: Paper, gate: Gate, operator: dict[str, str], token: dict[str, str]
) -> None:
    other = account("another operator", "view_session", "change_session")

    async def hold() -> list[Any]:
        async with connected(http(stream_of(paper), operator)) as wire:
            for _ in range(3):
                await wire.text()
            before = await in_thread(room)(paper, gate)
            statuses = [await in_thread(acknowledge)(paper, who) for who in ({}, token, other, operator)]
            return [before, *statuses, await in_thread(room)(paper, gate)]

    assert asyncio.run(hold()) == [0, 401, 403, 404, 204, 1]
    assert acknowledge(paper, operator) == 404, "it has left"


def test_who_may_only_read_cannot_have_the_replay_wait(paper: Paper, gate: Gate, token: dict[str, str]) -> None:
    key = bearer(paper)

    async def attempts() -> list[tuple[int, str]]:
        return [await status_of(stream_of(paper), headers) for headers in (token, key)]

    (account_status, why), (key_status, hint) = asyncio.run(attempts())
    assert (account_status, key_status) == (403, 403)
    assert "replay.change_session" in why and "create_api_key --lockstep" in hint
    assert acknowledge(paper, key) == 403
    assert room(paper, gate) is None, "the replay waits for no reader"


def test_a_key_made_for_lockstep_may(paper: Paper, gate: Gate) -> None:
    key = bearer(paper, lockstep=True)

    async def hold() -> tuple[int | None, int]:
        async with connected(http(stream_of(paper), key)) as wire:
            for _ in range(3):
                await wire.text()
            return await in_thread(room)(paper, gate), await in_thread(acknowledge)(paper, key)

    assert asyncio.run(hold()) == (0, 204)


def test_a_name_is_its_openers_while_the_replay_waits_for_it(
    paper: Paper, gate: Gate, operator: dict[str, str]
) -> None:
    other = bearer(paper, lockstep=True)

    async def twice() -> list[int]:
        async with connected(http(stream_of(paper), operator)) as wire:
            for _ in range(3):
                await wire.text()
            taken, _ = await status_of(stream_of(paper), other)
            free, _ = await status_of(stream_of(paper, "another"), other)
            again, _ = await status_of(stream_of(paper), operator)
        left, _ = await status_of(stream_of(paper), other)
        return [taken, free, again, left]

    assert asyncio.run(twice()) == [409, 200, 200, 200]


@pytest.mark.parametrize(
    "impossible",
    ["1.9999999999999-0", "999999.1-0", "2.1731940260000-0", "{}-7"],
    ids=["later", "another age", "next generation", "between frames"],
)
def test_a_frame_that_was_never_published_is_not_acknowledged(
    paper: Paper, gate: Gate, operator: dict[str, str], impossible: str
) -> None:
    frame = impossible.format(paper.out[1][0].removesuffix("-0"))

    async def hold() -> tuple[int, int | None, int]:
        async with connected(http(stream_of(paper), operator)) as wire:
            for _ in range(3):
                await wire.text()
            refused = await in_thread(acknowledge)(paper, operator, frame)
            return refused, await in_thread(room)(paper, gate), await in_thread(acknowledge)(paper, operator)

    assert asyncio.run(hold()) == (400, 0, 204), "nothing has changed, and the reader goes on"


def test_a_late_acknowledgement_takes_nothing_back(paper: Paper, gate: Gate, operator: dict[str, str]) -> None:
    async def hold() -> list[Any]:
        async with connected(http(stream_of(paper), operator)) as wire:
            for _ in range(3):
                await wire.text()
            statuses = [await in_thread(acknowledge)(paper, operator, paper.out[k][0]) for k in (2, 0)]
            return [*statuses, await in_thread(room)(paper, gate)]

    assert asyncio.run(hold()) == [204, 204, 1]
