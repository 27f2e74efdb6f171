"""A trading loop that the replay waits for: at full speed the same orders get the same fills every time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tapedeck_client import Account, AccountEvent, Client, Frame, Released, Session, Snapshot
from tests.web_server import WebServer
from tests.workers import ROOT, StartWorker

MINUTES = 46
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner(own_web: WebServer, token: str) -> Iterator[Client]:
    """Of a server whose lockstep readers may think for half a minute."""
    with Client(own_web.url, token=token) as client:
        yield client


def opened(owner: Client, name: str) -> tuple[Session, Account]:
    session = owner.start(["AAPL"], date="2025-07-02", provider="synthetic", speed=0, paused=True)
    session.wait()
    return session, session.open_account(name, cash=100_000)


def trade(session: Session, account: Account, transport: Any) -> list[AccountEvent]:
    """Ten shares at each tenth minute, sold three minutes later; every order as of the frame that it reacts to."""
    events: list[AccountEvent] = []
    minute = 0
    options: Any = {"intervals": ["1m"], "lockstep": "bot", "accounts": [account.name], "transport": transport}
    with session.stream(["AAPL"], **options) as stream:
        assert isinstance(next(stream), Snapshot)
        session.resume()
        for item in stream:
            match item:
                case AccountEvent():
                    events.append(item)
                case Released():
                    raise AssertionError(f"{item} at minute {minute}")
                case Frame() if item.bars:
                    minute += 1
                    if minute == MINUTES:
                        return events
                    if minute % 10 == 0:
                        order = account.buy("AAPL", 10)
                        assert order.info.submitted_at == item.clock
                        assert minute > 10 or order.settle().status == "new", "a market that stands picks orders up"
                    elif minute % 10 == 3 and minute > 10:
                        assert account.close("AAPL").info.submitted_at == item.clock
    return events


@pytest.mark.parametrize("transport", ["sse", "websocket"])
def test_a_loop_in_lockstep_has_the_same_executions_every_time(
    start_worker: StartWorker, owner: Client, transport: str
) -> None:
    start_worker()
    found = []
    for name in ("first", "second"):
        session, account = opened(owner, name)
        events = trade(session, account, transport)
        executions = account.executions()
        assert [event.execution for event in events if event.execution] == list(executions)
        found.append([(row.time, row.side, row.qty, row.price, row.basis) for row in executions])
    assert found[0] == found[1]
    assert [(row[0].minute % 10, row[1]) for row in found[0]] == [(1, "buy"), (4, "sell")] * 4


def test_the_example_trades(start_worker: StartWorker, own_web: WebServer, token: str, tmp_path: Path) -> None:
    start_worker()
    package = ROOT / "clients" / "python"
    given = {"TAPEDECK_URL": own_web.url, "TAPEDECK_TOKEN": token, "PYTHONPATH": str(package / "src")}
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"} | given
    command = [sys.executable, str(package / "examples" / "trade.py"), "IBM", "2025-07-02", "synthetic"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    *fills, equity = done.stdout.splitlines()
    assert re.fullmatch(r"equity 2\d{4}(\.\d+)?", equity) and len(fills) % 2 == 0 and fills
    for i, fill in enumerate(fills):
        assert re.fullmatch(rf"\d\d:[0134][16] {('buy', 'sell')[i % 2]} 10 at \d+(\.\d+)?", fill), fill
