"""What resting orders cost a replay at full speed, and how long an order takes through the gateway at 60x."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import delivery, world
from benchmarks.rows import Row

if TYPE_CHECKING:
    from sessions.models import Session

SYMBOLS, DAYS, ORDERS = 500, 8, 1000
TRIES = 3
POSTED, SPEED, PLAYED = 300, 60.0, 100
"""Orders one after another, in a session of so many symbols at that speed."""
FIRST_MINUTES = 2
"""Played before orders are placed: their checks want a price."""
PORT = 8019
KEY, SECRET = "APCA-API-KEY-ID", "APCA-API-SECRET-KEY"


def run() -> Iterator[Row]:
    with world.worker(), world.web(PORT) as (address, _):
        rates = {}
        for orders in (0, ORDERS):
            rates[orders] = sorted(_rate(orders) for _ in range(TRIES))[TRIES // 2]
            yield Row(f"{SYMBOLS} symbols, {DAYS} days, {orders:,} open orders", rates[orders], "bars/s")
        yield Row("with orders beside without", rates[ORDERS] / rates[0], "x")
        times = _post_to_new(address)
        for percent in (50, 99):
            what = f"order POST to `new` on its stream at {SPEED:g}x, p{percent}"
            yield Row(what, float(np.percentile(times, percent)), "ms", f"{len(times)} orders, {PLAYED} symbols")


def _rate(orders: int) -> float:
    from sessions import control
    from sessions.models import Session

    session_id, bars = delivery.paused_session(SYMBOLS, DAYS)
    _step(session_id)
    if orders:
        _rest(Session.objects.get(pk=session_id), orders)
    with delivery.reader(session_id, "columns", bars) as process:
        began = time.time()
        control.resume(session_id)
        assert process.stdout is not None
        report = json.loads(process.stdout.readline())
    if report["bars"] != bars:
        raise RuntimeError(f"session {session_id}: {report['bars']} bars arrived of {bars}")
    return float(bars / (report["at"] - began))


def _step(session_id: int) -> None:
    from sessions import control
    from sessions.models import State

    _await(session_id, lambda row: row.state == State.PAUSED)
    until = control.step(session_id, FIRST_MINUTES).run_until
    _await(session_id, lambda row: row.run.clock == until)


def _await(session_id: int, there: Callable[[Session], bool]) -> None:
    from sessions.models import Session

    end = time.monotonic() + 60
    while not there(row := Session.objects.with_run().get(pk=session_id)):
        assert time.monotonic() < end, f"session {session_id} is {row.state} at {row.run.clock}"
        time.sleep(0.05)


def _rest(session: Session, count: int) -> None:
    """Orders far away from the price, half of them to buy, which stay for all days."""
    from broker import accounts, service
    from broker.accounts import Opening
    from broker.entry.order_form import read_order

    account = accounts.create(session, Opening("benchmark", cash=Decimal(10**9)))
    for at in range(count):
        side, price = (("buy", "1"), ("sell", "9000"))[at % 2]
        name = world.symbols(SYMBOLS)[at // 2 % SYMBOLS]
        body = {"symbol": name, "qty": 1, "side": side, "type": "limit", "time_in_force": "gtc", "limit_price": price}
        service.place(account.pk, read_order(body))
    end = time.monotonic() + 60
    while account.orders.filter(status="new").count() < count:
        assert time.monotonic() < end, "the orders were not taken"
        time.sleep(0.1)


def _post_to_new(address: str) -> list[float]:
    """Milliseconds of each; the client is a process of its own."""
    from broker import accounts
    from sessions import control
    from streaming.starts import service
    from streaming.starts.request import StartRequest

    names = world.symbols(PLAYED)
    dataset, date, _, _ = world.ensure_days(names, 1)
    session = service.start(StartRequest(names, date, date, dataset=dataset, speed=SPEED)).session
    key, secret, _ = accounts.create_key(session)
    command = [sys.executable, "-m", "benchmarks.trading", address, key.key_id, secret]
    try:
        done = subprocess.run(command, cwd=world.ROOT, capture_output=True, text=True, check=False, timeout=120)
    finally:
        control.stop(session.pk)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return [float(each) for each in json.loads(done.stdout)]


# --- the client ------------------------------------------------------------------------------------


async def _client(address: str, key: str, secret: str) -> list[float]:
    import httpx
    from websockets.asyncio.client import connect

    begun: dict[str, float] = {}
    times: list[float] = []
    url = f"{address.replace('http', 'ws', 1)}/alpaca/stream"
    headers = {KEY: key, SECRET: secret}
    async with connect(url) as socket, httpx.AsyncClient(base_url=f"{address}/alpaca", headers=headers) as http:
        await socket.send(json.dumps({"action": "auth", "key": key, "secret": secret}))
        await socket.recv()
        await socket.send(json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}}))
        await socket.recv()
        await asyncio.sleep(2)  # until there is a first price
        for at in range(POSTED):
            name = str(at)
            body = {"symbol": world.symbols(PLAYED)[at % PLAYED], "qty": "1", "side": "buy", "type": "limit"}
            body |= {"time_in_force": "day", "limit_price": "1", "client_order_id": name}
            begun[name] = time.perf_counter()
            answer = await http.post("/v2/orders", json=body)
            answer.raise_for_status()
            while True:
                update = json.loads(await asyncio.wait_for(socket.recv(), 10))["data"]
                if update["event"] == "new":
                    times.append(1000 * (time.perf_counter() - begun[update["order"]["client_order_id"]]))
                    break
    return times


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_client(*sys.argv[1:]))))
