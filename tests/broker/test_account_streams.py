"""Account events beside the frames: every one once, behind the frame of its instant, wherever a reader goes on."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from broker import service
from broker.following import AccountEvents
from broker.models import Account, AccountEvent
from sessions import control, keys
from sessions.models import Session
from streaming.base.db import in_thread
from streaming.engine.playing.player import Player
from streaming.reading.reader import follow
from tests.broker.in_play import opened, place, seek, started, status, step, until
from tests.broker.test_account_endpoints import user
from tests.web.asgi_client import connected, event, http, received, socket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
Read = list[tuple[str, str, str]]


def traded(one: Account, two: Account, session: Session) -> None:
    """Two accounts that trade, then the rest of the day."""
    step(session, 5)
    first = place(one, "buy", "limit", limit_price="50", time_in_force="gtc")
    place(two, qty=7)
    until(lambda: status(one, first) == "new")
    service.cancel(one.pk, first)
    step(session)
    place(one)
    place(two, "sell", qty=7)
    place(one, "buy", "limit", limit_price="50")
    control.set_speed(session.pk, 0)
    control.resume(session.pk)
    until(lambda: not Session.objects.get(pk=session.pk).is_live, 60)


def read(session: Session, accounts: list[Account], **given: Any) -> Read:
    """What a reader gets to the session's end: ids, what it is, and whose."""

    async def gather() -> Read:
        found: Read = []
        async with aclosing(
            follow(session.pk, asides=AccountEvents(session.pk, accounts), symbols=["AAPL"], **given)
        ) as frames:  # type: ignore[type-var]
            async for frame in frames:
                if frame["id"] is not None:
                    each = frame["events"][0] if frame["events"] else {}
                    mine = each if each.get("type") == "account" else {}
                    found.append((frame["id"], mine.get("event", "frame"), mine.get("account", "")))
        return found

    return asyncio.run(gather())


def place_of(cursor: str) -> tuple[int, int, int]:
    generation, _, rest = cursor.partition(".")
    ms, _, n = rest.partition("-")
    return int(generation), int(ms), int(n)


def test_a_reader_goes_on_behind_whatever_it_had_last(real_days: str, player: Player) -> None:
    session = started()
    one, two = opened(session), opened(session)
    traded(one, two, session)
    whole = read(session, [one, two], from_start=True)
    ids = [place_of(cursor) for cursor, _, _ in whole]
    assert ids == sorted(set(ids)), "in order, each once"
    wanted = AccountEvent.objects.order_by("at_ms", "pk").values_list("kind", "account__name")
    mine = [(kind, name) for _, kind, name in whole if kind != "frame"]
    assert mine == list(wanted) and {"fill", "canceled", "expired", "new"} <= {kind for kind, _ in mine}
    for at in [i for i, (_, kind, _) in enumerate(whole) if kind != "frame"]:
        for i in (at - 1, at):
            rest = [row for row in whole[i + 1 :] if row[1] != "frame"]
            again = read(session, [one, two], after=whole[i][0])
            assert [row for row in again if row[1] != "frame"] == rest
    assert [row[2] for row in read(session, [two], from_start=True) if row[2]] == ["account 2"] * 4


def test_what_is_picked_up_in_a_pause_comes_at_once_and_a_seek_begins_anew(real_days: str, player: Player) -> None:
    session = started()
    account = opened(session)
    step(session, 5)
    viewer = user("view_session", "view_account")

    async def listen() -> list[Any]:
        path = f"/ws/sessions/{session.pk}/?accounts=account 1&symbols=AAPL".replace(" ", "%20")
        async with connected(socket(path, viewer)) as wire:
            wire.incoming.put_nowait({"type": "websocket.connect"})
            assert (await wire.next())["type"] == "websocket.accept"

            async def next_of(*kinds: str) -> dict[str, Any]:
                while True:
                    message = await received(wire)
                    for each in message["events"]:
                        if each["type"] in kinds:
                            return {"id": message["id"], **each}

            await next_of("snapshot")
            await in_thread(place)(account)
            new = await next_of("account")
            await in_thread(step)(session)
            filled = await next_of("account")
            await in_thread(place)(account, "sell")
            assert (await next_of("account"))["event"] == "new"
            await in_thread(seek)(session, 20)
            reset, skipped = await next_of("reset"), await next_of("account")
            return [new, filled, reset, skipped]

    new, filled, _, skipped = asyncio.run(listen())
    assert [each["event"] for each in (new, filled, skipped)] == ["new", "fill", "fill"]
    assert (new["id"][-2:], filled["execution"]["basis"], filled["order"]["status"]) == ("-1", "bar_open", "filled")
    assert skipped["id"].startswith("2.") and skipped["time"] < filled["time"].replace("13:36", "13:51")


async def answer(path: str, headers: dict[str, str]) -> tuple[int, str]:
    async with connected(http(path, headers)) as wire:
        begin = await wire.next()
        return begin["status"], (await wire.next()).get("body", b"").decode()


def test_accounts_are_followed_by_who_may_see_them(real_days: str, player: Player) -> None:
    session = started()
    opened(session)
    step(session)
    key, secret = keys.create(session)
    path = f"/api/sessions/{session.pk}/stream/?accounts="
    viewer, stranger = user("view_session", "view_account"), user("view_session")
    reader = {"authorization": f"Bearer {key.key_id}.{secret}"}

    async def ask() -> list[tuple[int, str]]:
        return [await answer(path + name, who) for name, who in (("*", stranger), ("*", reader), ("other", viewer))]

    refused, of_key, unknown = asyncio.run(ask())
    assert (refused[0], of_key[0], unknown[0]) == (403, 403, 400)
    assert "broker.view_account" in refused[1]
    assert "other is not in this session: it has account 1." in unknown[1]

    async def listen() -> tuple[str | None, dict[str, Any]]:
        async with connected(http(f"{path}*", viewer)) as wire:
            await wire.next()
            return event(await wire.text())

    assert asyncio.run(listen())[1]["events"][0]["type"] == "snapshot"
