"""Accounts that trade while things break: orders at random, each asked for once, whatever answers or does not."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

from django.db import DatabaseError

from broker import accounts, service
from broker.accounts import Opening
from broker.entry.order_form import read_order
from broker.matching.state import State
from broker.models import Account, AccountEvent, Order
from broker.refusals import Refusal
from sessions.models import Session
from streaming.base.db import connected
from tests.faults.arena import patiently

CASH = Decimal(10_000_000)
PRICES = {"AAPL": 210, "IBM": 290, "MSFT": 490}
"""About what they are worth in these days."""


class Trading:
    """One account of a session, traded by a thread until the session has ended."""

    def __init__(self, session: Session, rng: random.Random) -> None:
        self.session, self.rng = session, random.Random(rng.random())
        self.account = patiently(lambda: accounts.create(session, Opening(name="chaos", cash=CASH)))
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"trading {session.pk}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.done.wait(self.rng.uniform(0, 0.15)):
            with suppress(Refusal, DatabaseError), connected():
                self._ask()

    def _ask(self) -> None:
        if self.rng.random() < 0.25 and (order := self._one_that_is_open()) is not None:
            service.cancel(self.account.pk, order)
        else:
            service.place(self.account.pk, read_order(self._order()))

    def _one_that_is_open(self) -> str | None:
        ids = Order.objects.filter(account=self.account, is_open=True, voided_in=None).values_list("uuid", flat=True)
        found = list(ids)
        return str(self.rng.choice(found)) if found else None

    def _order(self) -> dict[str, Any]:
        symbol, side = self.rng.choice(list(PRICES)), self.rng.choice(("buy", "buy", "sell"))
        near = round(PRICES[symbol] * self.rng.uniform(0.98, 1.02), 2)
        order = {"symbol": symbol, "qty": self.rng.randint(1, 50), "side": side, "time_in_force": "day"}
        kind = self.rng.choice(("market", "limit", "trailing_stop", "bracket"))
        if kind == "bracket":
            far = round(near * 1.05, 2), round(near * 0.95, 2)
            profit, loss = far if side == "buy" else far[::-1]
            exits = {"take_profit": {"limit_price": profit}, "stop_loss": {"stop_price": loss}}
            return {**order, "type": "limit", "limit_price": near, "order_class": "bracket", **exits}
        prices = {"limit": {"limit_price": near}, "trailing_stop": {"trail_percent": 0.5}}
        return {**order, "type": kind, "time_in_force": self.rng.choice(("day", "gtc")), **prices.get(kind, {})}

    def finish(self) -> None:
        self.done.set()
        self.thread.join(30)

    def problems(self) -> Iterator[str]:
        """What must hold besides that the account can be made again, which `verify` has looked at."""
        account = Account.objects.get(pk=self.account.pk)
        events = list(AccountEvent.objects.filter(account=account, voided_in=None).order_by("number"))
        if [event.number for event in events] != list(range(1, len(events) + 1)):
            yield f"{account}: its events are numbered {[event.number for event in events][:20]} …"
        fills = [event for event in events if event.execution is not None]
        ids = Counter(AccountEvent.objects.filter(account=account).exclude(execution=None).values_list("execution"))
        if twice := [str(each) for (each,), count in ids.items() if count > 1]:
            yield f"{account}: executions {twice[:3]} are there twice"
        cash, held = CASH, Counter[str]()
        for event in fills:
            assert event.qty is not None and event.price is not None
            signed = event.qty if event.order["side"] == "buy" else -event.qty
            cash -= signed * event.price
            held[event.symbol] += signed  # type: ignore[assignment]
        state = State.of(account.state)
        positions = {symbol: position.qty for symbol, position in state.positions.items()}
        if (cash, {symbol: qty for symbol, qty in held.items() if qty}) != (state.cash, positions):
            yield f"{account}: executions make {cash} and {dict(held)}, it has {state.cash} and {positions}"

    @property
    def fills(self) -> int:
        return AccountEvent.objects.filter(account=self.account, voided_in=None).exclude(execution=None).count()
