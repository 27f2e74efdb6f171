"""A bot with lockstep at speed 0: the same orders and fills every time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from broker import accounts
from broker.models import AccountEvent
from sessions import control
from sessions.models import Session
from streaming.engine.playing.player import Player
from streaming.verify.session import verify
from tests.broker.in_play import DAY, started
from tests.gateway.conftest import Server, StartServer, start_server

__all__ = ["start_server"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
BARS = 60
"""That the bot trades."""


def say(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def messages(socket: ClientConnection) -> Iterator[list[dict[str, Any]]]:
    while True:
        yield json.loads(socket.recv(timeout=30))


def trade(server: Server, session: Session) -> list[tuple[Any, ...]]:
    """Buy after each bar that closed higher than it opened, sell after each other; answer every bar."""
    account = accounts.create(session)
    key, secret, _ = accounts.create_key(session, account, lockstep=True)
    headers = {"APCA-API-KEY-ID": key.key_id, "APCA-API-SECRET-KEY": secret}
    with (
        httpx.Client(base_url=server.base, headers=headers) as http,
        connect(server.stream) as socket,
        closing(socket.socket),
    ):
        say(socket, action="auth", key=key.key_id, secret=secret)
        say(socket, action="subscribe", bars=["AAPL"])
        count = 0
        for batch in messages(socket):
            if any(each["T"] == "subscription" for each in batch):
                control.resume(session.pk)
            for bar in (each for each in batch if each["T"] == "b"):
                count += 1
                side = "buy" if bar["c"] > bar["o"] else "sell"
                body = {"symbol": "AAPL", "qty": 1, "side": side, "type": "market", "time_in_force": "day"}
                http.post("/v2/orders", json=body)
                say(socket, action="ack")
            if count >= BARS:
                break
    events = AccountEvent.objects.filter(account=account, qty__isnull=False).order_by("number")
    return list(events.values_list("symbol", "qty", "price", "at_ms", "order__side"))


def test_a_live_bot_and_one_line_give_the_same_run_every_time(
    real_days: str,
    player: Player,
    start_server: StartServer,
) -> None:
    server = start_server()
    runs = []
    for _ in range(2):
        session = started(speed=0)
        runs.append(trade(server, session))
        assert verify(session.pk).problems == []
    assert len(runs[0]) > BARS // 2
    count = min(map(len, runs))
    assert runs[0][:count] == runs[1][:count]
    stamps = [at for _, _, _, at, _ in runs[0]]
    assert {at % 60_000 for at in stamps} == {0}
    assert len(set(stamps)) == len(stamps), f"one order a bar, filled by the next one of {DAY}"


def test_a_key_without_the_right_is_refused(real_days: str, player: Player, start_server: StartServer) -> None:
    server, session = start_server(), started()
    key, secret, _ = accounts.create_key(session)
    with connect(server.stream) as socket, closing(socket.socket):
        say(socket, action="auth", key=key.key_id, secret=secret)
        say(socket, action="ack")
        for batch in messages(socket):
            if batch[0]["T"] == "error":
                assert "--lockstep" in batch[0]["msg"]
                return
