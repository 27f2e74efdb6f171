"""Where an account stands at its session's clock: positions at their marks, margins, buying power."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, lru_cache

import orjson
from django.db import connection, transaction

from broker import configurations
from broker.matching import margin
from broker.matching.lots import Position
from broker.matching.orders import ZERO, Order
from broker.matching.state import State
from broker.models import Account
from broker.prices import Prices
from broker.refusals import busy
from sessions.models import WITH_RUN, Session, take_session
from sessions.whole_rows import WholeRows
from streaming.as_of.newest_frame import clock_ms

SETTLED_WITHIN_SECONDS = 5.0
LOOK_EVERY_SECONDS = 0.005
MOST_READ = 10_000
"""Open orders of which a process keeps what it has read: a kilobyte each."""
MARGIN_LEAST_EQUITY = Decimal(2000)
"""Below it there is no margin and no selling short."""

ACCOUNTS = WholeRows(Account)
READ = f"""
SELECT {ACCOUNTS.columns("a")}, {WITH_RUN}
  FROM broker_account a JOIN replay_session s ON s.id = a.session_id JOIN replay_run r ON r.session_id = s.id
 WHERE a.id = %(account)s"""  # noqa: S608 - names of columns
LOCKED = f"{READ} FOR NO KEY UPDATE OF a"
# Behind one of them, in the same trip: it sees what is there once the lock is had, what was just asked for among it.
OPEN = """;
SELECT payload::text FROM broker_order
 WHERE account_id = %(account)s AND is_open AND voided_in IS NULL ORDER BY number
"""


@dataclass(eq=False)
class Standing:
    """Everything as of one instant; `orders` are the open ones as they were asked for, shared: only to be read."""

    account: Account
    session: Session
    clock_ms: int
    state: State
    orders: list[Order]
    prices: Prices = field(init=False)

    def __post_init__(self) -> None:
        self.prices = Prices(self.session, self.clock_ms)

    @cached_property
    def marks(self) -> dict[str, Decimal]:
        found = {}
        for symbol, position in self.state.positions.items():
            mark = self.prices.mark(symbol)
            found[symbol] = mark if mark is not None else position.average_entry
        return found

    @cached_property
    def settings(self) -> dict[str, object]:
        return configurations.of(self.account)

    # --- figures ------------------------------------------------------------------------------------

    @cached_property
    def equity(self) -> Decimal:
        return margin.equity_of(self.state, self.marks)

    @cached_property
    def values(self) -> tuple[Decimal, Decimal]:
        """Market value of long and of short positions."""
        return margin.values(self.state, self.marks)

    @cached_property
    def initial_margin(self) -> Decimal:
        return margin.initial_of(self.state, self.marks)

    @cached_property
    def maintenance_margin(self) -> Decimal:
        return margin.maintenance_of(self.state, self.marks)

    @property
    def multiplier(self) -> int:
        if self.equity < MARGIN_LEAST_EQUITY:
            return 1
        return min(self.account.multiplier, int(str(self.settings["max_margin_multiplier"])))

    @property
    def may_short(self) -> bool:
        return self.account.shorting and not self.settings["no_shorting"] and self.equity >= MARGIN_LEAST_EQUITY

    @property
    def regt_buying_power(self) -> Decimal:
        return 2 * max(self.equity - self.initial_margin, ZERO) - self.reserved

    @property
    def buying_power(self) -> Decimal:
        """What opening orders may still cost: those that are open have taken theirs."""
        if self.multiplier == 1:
            return max(self.state.cash - self.reserved, ZERO)
        if self.multiplier == 2:
            return max(self.regt_buying_power, ZERO)
        opened = sum((abs(each.today) * each.today_price for each in self.state.positions.values()), ZERO)
        base = 4 * max(self.state.last_equity - self.state.last_maintenance, ZERO)
        return max(base - opened - self.reserved, ZERO)

    @cached_property
    def reserved(self) -> Decimal:
        return sum((cost_left(order) for order in self.orders), ZERO)

    # --- shares -------------------------------------------------------------------------------------

    def position(self, symbol: str) -> Position:
        return self.state.position(symbol)

    def holding(self, symbol: str) -> list[Order]:
        """The open orders that close a position in the symbol; of a group's exits one."""
        held = self.position(symbol).qty
        closing = "sell_to_close" if held > 0 else "buy_to_close"
        found: dict[str, Order] = {}
        for order in self.orders:
            if order.symbol == symbol and order.intent == closing and order.status != "held":
                key = order.group_id or order.id
                if key not in found or order.left > found[key].left:
                    found[key] = order
        return list(found.values())

    def available(self, symbol: str) -> Decimal:
        """Shares of the position that no open order holds."""
        return abs(self.position(symbol).qty) - sum((order.left for order in self.holding(symbol)), ZERO)


def cost_left(order: Order) -> Decimal:
    """What an open order takes of the buying power."""
    if order.cost_price is None or order.status == "held":
        return ZERO
    if order.notional is not None:
        return order.notional - order.filled_value
    return order.cost_price * order.left


@contextmanager
def locked(account_id: int) -> Iterator[Standing]:
    """The account under its lock: nobody else changes it meanwhile. In a transaction. Raises Refusal as below."""
    until = time.monotonic() + SETTLED_WITHIN_SECONDS
    while True:
        with transaction.atomic():
            found = _read(LOCKED + OPEN, account_id)
            if found.is_published:
                yield found.standing()
                return
        _wait(until)


def standing(account_id: int) -> Standing:
    """To read; never later than what the session has published. Raises Refusal as below."""
    return _published(READ + OPEN, account_id).standing()


def await_published(account_id: int) -> None:
    """What is written down of an account may be a frame ahead of the stream for some milliseconds.

    Raises Refusal where the frame does not come, as its worker was lost.
    """
    _published(READ, account_id)


def _published(statements: str, account_id: int) -> Found:
    until = time.monotonic() + SETTLED_WITHIN_SECONDS
    while not (found := _read(statements, account_id)).is_published:
        _wait(until)
    return found


def _wait(until: float) -> None:
    if time.monotonic() > until:
        raise busy("the session is between two workers: ask again")
    time.sleep(LOOK_EVERY_SECONDS)


@dataclass(frozen=True, slots=True)
class Found:
    """What is written down of an account: with its session's run, its open orders as text, and the session's clock."""

    account: Account
    orders: list[str]
    clock_ms: int

    @property
    def is_published(self) -> bool:
        return self.account.through_ms <= self.clock_ms

    def standing(self) -> Standing:
        account, orders = self.account, [_as_it_was_written(text) for text in self.orders]
        return Standing(account, account.session, self.clock_ms, State.of(account.state), orders)


def _read(statements: str, account_id: int) -> Found:
    """Raises Account.DoesNotExist."""
    with connection.cursor() as cursor:
        cursor.execute(statements, {"account": account_id})
        if (row := cursor.fetchone()) is None:
            raise Account.DoesNotExist(f"account {account_id}")
        orders = [text for (text,) in cursor.fetchall()] if cursor.nextset() else []
    values = iter(row)
    account = ACCOUNTS.take(values)
    account.session = take_session(values)
    return Found(account, orders, clock_ms(account.session))


@lru_cache(maxsize=MOST_READ)
def _as_it_was_written(payload: str) -> Order:
    """An open order, to read: most are as they were at the request before."""
    return Order.of(orjson.loads(payload))
