"""An order at work, and how it is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import ROUND_DOWN, Decimal
from typing import Any

from broker.matching.terms import (
    CLOSED,
    OrderClass,
    OrderType,
    Role,
    Side,
    Status,
    TimeInForce,
)

ZERO = Decimal(0)
NINE_DECIMALS = Decimal("1e-9")
COLLARS = ((Decimal(50), Decimal("1.04")), (None, Decimal("1.025")))
"""Buy stops: stop prices below the first, and what their limit is of them."""


class Quantity:
    """What an order is for, as it was asked for and at work."""

    __slots__ = ()
    qty: Decimal | None

    @property
    def is_fractional(self) -> bool:
        """Whether it may be for a part of a share: so is one for an amount of money."""
        return self.qty is None or self.qty != self.qty.to_integral_value()


@dataclass(slots=True)
class Order(Quantity):
    """Quantities and prices are Decimal, stamps milliseconds of market time, `arrival` nanoseconds."""

    id: str
    number: int
    """Its number among the account's orders, in the order in which they were asked for."""
    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    intent: str
    qty: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    hwm: Decimal | None = None
    extended_hours: bool = False
    order_class: OrderClass = OrderClass.SIMPLE
    group_id: str = ""
    role: Role | None = None
    parent_id: str = ""
    replaces: str = ""
    replaced_by: str = ""
    status: Status = Status.PENDING_NEW
    filled_qty: Decimal = ZERO
    filled_value: Decimal = ZERO
    created_ms: int = 0
    updated_ms: int = 0
    submitted_ms: int = 0
    filled_ms: int | None = None
    canceled_ms: int | None = None
    expired_ms: int | None = None
    expires_ms: int | None = None
    failed_ms: int | None = None
    replaced_ms: int | None = None
    cancel_requested_ms: int | None = None
    carried: Decimal = ZERO
    """What the orders that it replaces had filled."""
    reason: str = ""
    """Why it was rejected, or ended otherwise than asked for."""
    cost_price: Decimal | None = None
    """What a share of an opening order takes of the buying power."""
    arrival: int = 0
    """From which instant on it meets the market."""
    sequence: int = 0
    """Its place among all arrivals: within an instant the earlier one looks first."""
    exit_of_bar: bool = False
    """An exit whose entry filled at an open: the same bar's range is the first that it meets."""
    looked: bool = False
    """Whether it has seen the market: a limit is marketable only at its first look."""
    like_market: bool = False
    """A limit that was marketable at its first look at trades: until one is worse than the limit."""
    elected: bool = False
    elected_in: int = -1
    """The bar in whose range it was elected: its limit rests from the next one on."""
    waited: bool = False
    """Whether an event has said that it waits for a minute in which nothing is filled."""

    @property
    def is_open(self) -> bool:
        return self.status not in CLOSED

    @property
    def works(self) -> bool:
        """Whether the market may fill it."""
        return self.status in (Status.ACCEPTED, Status.NEW, Status.PARTIALLY_FILLED)

    @property
    def left(self) -> Decimal:
        """Shares still to come; of a notional order unknown, 0."""
        return self.qty - self.filled_qty if self.qty is not None else ZERO

    @property
    def average(self) -> Decimal | None:
        return self.filled_value / self.filled_qty if self.filled_qty else None

    @property
    def is_exit(self) -> bool:
        return self.role in (Role.TAKE_PROFIT, Role.STOP_LOSS)

    @property
    def tick(self) -> Decimal:
        return tick_of(self.limit_price or self.trigger or Decimal(1))

    @property
    def rests(self) -> bool:
        """Whether it waits at its limit, after a first look; a stop's collar is no limit that it waits at."""
        return self.looked and self.limit_price is not None

    @property
    def bound(self) -> Decimal | None:
        """The worst price that it takes: its limit, or a buy stop's collar; None takes any."""
        if self.limit_price is not None:
            return self.limit_price
        if self.type is OrderType.STOP and self.side is Side.BUY and self.stop_price is not None:
            return collar(self.stop_price)
        return None

    @property
    def trigger(self) -> Decimal | None:
        """The price that elects it: a trailing stop's follows its high-water mark, unrounded."""
        if self.type is not OrderType.TRAILING_STOP:
            return self.stop_price
        return None if self.hwm is None else self.trailing(self.hwm)

    def trailing(self, hwm: Decimal) -> Decimal:
        if self.trail_price is not None:
            return hwm - self.trail_price * -self.side.sign
        assert self.trail_percent is not None
        return hwm * (1 + self.side.sign * self.trail_percent / 100)

    def as_payload(self) -> dict[str, Any]:
        """The order as JSON: decimals as text, fields that have their default left out."""
        payload: dict[str, Any] = {}
        for name, default in _DEFAULTS:
            value = getattr(self, name)
            if value is not default and value != default:
                payload[name] = format(value, "f") if isinstance(value, Decimal) else value
        return payload

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Order:
        return cls(**{name: _READERS[name](value) if name in _READERS else value for name, value in payload.items()})


_DEFAULTS = tuple((field.name, field.default) for field in fields(Order))
_READERS: dict[str, Any] = {
    "side": Side,
    "type": OrderType,
    "time_in_force": TimeInForce,
    "order_class": OrderClass,
    "role": lambda value: Role(value) if value else None,
    "status": Status,
} | {
    name: lambda value: None if value is None else Decimal(value)
    for name in (
        *("qty", "notional", "limit_price", "stop_price", "trail_price", "trail_percent", "hwm"),
        *("filled_qty", "filled_value", "carried", "cost_price"),
    )
}


def tick_of(price: Decimal) -> Decimal:
    return Decimal("0.01") if price >= 1 else Decimal("0.0001")


def collar(stop: Decimal) -> Decimal:
    """A buy stop's limit, rounded down to the tick."""
    factor = next(factor for below, factor in COLLARS if below is None or stop < below)
    limit = stop * factor
    return limit.quantize(tick_of(limit), ROUND_DOWN)


def plain_text(value: Decimal | None) -> str | None:
    """Without an exponent and without zeros behind the last digit."""
    if value is None:
        return None
    shown = format(value, "f")
    return (shown.rstrip("0").rstrip(".") or "0") if "." in shown else shown
