"""Accounts and what they hold, ask for and get. Money, prices and shares are Decimal, in USD and shares."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

CLOSED = ("filled", "canceled", "expired", "replaced", "rejected")
"""What an order ends as."""
PENDING = ("pending_new", "pending_cancel", "pending_replace")
"""What an order is in until the session's worker has picked up what was asked for."""


@dataclass(frozen=True, slots=True)
class Position:
    """Shares of one symbol at their mark."""

    symbol: str
    qty: Decimal
    """Shares; short ones are negative."""
    available: Decimal
    """Shares that no open order holds."""
    average_entry: Decimal
    """USD a share."""
    price: Decimal
    """The mark, USD a share."""
    market_value: Decimal
    """USD; negative for short ones."""
    unrealized: Decimal
    """Profit in USD."""


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """What the account's owner sets; it goes back with the clock."""

    suspend_trade: bool
    """New orders are refused."""
    no_shorting: bool
    fractional_trading: bool
    max_margin_multiplier: int


@dataclass(frozen=True, slots=True)
class AccountTerms:
    """How its orders are filled, as it was opened with."""

    profile: str
    stale_seconds: Decimal
    participation: Decimal
    penetration: int
    slippage: int
    on_bars: str
    latency_ms: int
    seed: int


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """An account as it stood when the server answered: money in USD, nothing of it later than `clock`."""

    name: str
    session: int
    """The session's number."""
    number: str
    """As brokers number accounts."""
    clock: dt.datetime
    cash: Decimal
    """Negative where money is borrowed."""
    equity: Decimal
    """Cash and positions at their marks."""
    last_equity: Decimal
    """At the close of the day before."""
    buying_power: Decimal
    """What opening orders may still cost."""
    initial_margin: Decimal
    maintenance_margin: Decimal
    multiplier: int
    """1 is a cash account; below 2,000 USD of equity every account is one."""
    terms: AccountTerms = field(repr=False)
    settings: AccountSettings = field(repr=False)
    positions: tuple[Position, ...]
    open_orders: int
    """How many."""
    events: int
    """So many of its events are in this: `number` of the newest."""

    def position(self, symbol: str) -> Position | None:
        """None where it holds none of the symbol."""
        return next((held for held in self.positions if held.symbol.upper() == symbol.strip().upper()), None)


@dataclass(frozen=True, slots=True)
class OrderInfo:
    """An order as it was when the server answered. Prices are USD a share."""

    id: str
    client_order_id: str
    submitted_at: dt.datetime | None
    """Market time."""
    symbol: str
    side: str
    """buy or sell."""
    type: str
    """market, limit, stop, stop_limit or trailing_stop."""
    time_in_force: str
    """day, gtc, ioc, fok, opg or cls."""
    qty: Decimal | None
    """Shares; None of an order for an amount of money."""
    notional: Decimal | None
    """USD."""
    limit_price: Decimal | None
    stop_price: Decimal | None
    """Of a trailing stop: where it stands now."""
    trail_price: Decimal | None
    """USD that a trailing stop stays behind."""
    trail_percent: Decimal | None
    high_water_mark: Decimal | None
    """Of a trailing stop; of one that buys the lowest price."""
    extended_hours: bool
    status: str
    """pending_new, accepted, new, held, partially_filled, pending_cancel or pending_replace while it is open; then
    filled, canceled, expired, replaced or rejected."""
    filled_qty: Decimal
    """Shares so far."""
    filled_average: Decimal | None
    """The average price of its executions."""
    order_class: str
    """simple, bracket, oco or oto."""
    group_id: str | None
    """What a bracket, OCO or OTO has in common."""
    role: str
    """In its group: entry, take_profit or stop_loss."""
    parent_id: str | None
    replaces: str | None
    replaced_by: str | None
    reason: str | None
    """Why it was rejected, or ended otherwise than asked for."""

    @property
    def is_open(self) -> bool:
        """Whether anything can still become of it."""
        return self.status not in CLOSED


@dataclass(frozen=True, slots=True)
class Execution:
    """A fill, and what it met on the tape."""

    time: dt.datetime
    """Market time."""
    symbol: str
    side: str
    """buy or sell."""
    qty: Decimal
    """Shares."""
    price: Decimal
    """USD a share."""
    position_qty: Decimal
    """Shares of the position after it."""
    basis: str
    """quote, trade, bar_open, bar_range, last_close or auction."""
    met_price: Decimal | None
    met_size: Decimal | None
    met_at: dt.datetime | None
    order_id: str
    client_order_id: str
    execution_id: str
    cursor: str
    """Of its frame."""


@dataclass(frozen=True, slots=True)
class Activity:
    """What changed cash or shares without a trade."""

    time: dt.datetime
    kind: str
    """CSD (the opening cash), FEE, DIV or SPLIT."""
    amount: Decimal
    """USD of the cash; negative where it was paid."""
    symbol: str
    qty: Decimal
    """Shares by a split, and those that a dividend was paid for."""
    per_share: Decimal
    """USD of a dividend."""
    note: str


@dataclass(frozen=True, slots=True)
class EquityPoint:
    """What the account was worth at an instant, in USD."""

    time: dt.datetime
    equity: Decimal
