"""How an order is asked for. Prices, money and shares may be Decimal, int, text, or float."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypedDict

Amount = Decimal | int | float | str
Side = Literal["buy", "sell"]
TimeInForce = Literal["day", "gtc", "ioc", "fok", "opg", "cls"]


class OrderOptions(TypedDict, total=False):
    """Its type follows from its prices: none is a market order, `limit`, `stop` or both, `trail` or `trail_percent`.

    Its class follows from its exits: `take_profit` and `stop_loss` is a bracket, one of them an OTO.
    """

    notional: Amount
    """USD, instead of a quantity; of market orders for the day."""
    limit: Amount | None
    """USD a share."""
    stop: Amount | None
    """USD a share; with `limit` a stop-limit order."""
    trail: Amount | None
    """USD that a trailing stop stays behind."""
    trail_percent: Amount | None
    """At least 0.1."""
    take_profit: Amount | None
    """Limit price of the exit with a profit, USD a share."""
    stop_loss: Amount | None
    """Stop price of the exit with a loss, USD a share."""
    stop_loss_limit: Amount | None
    """Makes that exit a stop-limit order."""
    order_class: Literal["simple", "bracket", "oco", "oto"]
    """`oco` is for the exits of a position that there is: `take_profit` and `stop_loss` without an entry."""
    time_in_force: TimeInForce
    """`day`, unless said otherwise."""
    extended_hours: bool
    """Also before the open and after the close; of limit orders."""
    client_order_id: str | None
    """Unique within the account; a UUID, unless said otherwise."""
    position_intent: Literal["buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close"]
    """Refused where it would be another."""


class Replacement(TypedDict, total=False):
    """What of an open order is to be other; what is left out stays."""

    qty: Amount
    """Whole shares."""
    limit: Amount
    stop: Amount
    trail: Amount
    """USD or percent, as the order has it."""
    time_in_force: Literal["day", "gtc"]
    client_order_id: str
    """Of the new order."""


NAMES = {"limit": "limit_price", "stop": "stop_price", "trail": "trail_price"}
AMOUNTS = ("notional", "limit", "stop", "trail", "trail_percent", "take_profit", "stop_loss", "stop_loss_limit")
OTHERS = ("time_in_force", "extended_hours", "position_intent")


def order_body(side: Side, symbol: str, qty: Amount | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """As the API takes it. Raises TypeError for an option that there is none of, and ValueError for no number."""
    known(options, OrderOptions)
    given = {name: value for name, value in options.items() if value is not None}
    prices = {name: wire_amount(name, given[name]) for name in AMOUNTS if name in given}
    if "stop_loss_limit" in prices and "stop_loss" not in prices:
        raise ValueError("stop_loss_limit is the limit of an exit with a stop: give stop_loss too.")
    profit, loss, loss_limit = (prices.pop(name, None) for name in ("take_profit", "stop_loss", "stop_loss_limit"))
    body = {
        "symbol": symbol,
        "side": side,
        "type": _type(given),
        "time_in_force": "day",
        "client_order_id": given.get("client_order_id") or str(uuid.uuid4()),
        **{NAMES.get(name, name): text for name, text in prices.items()},
        **{name: given[name] for name in OTHERS if name in given},
    }
    if qty is not None:
        body["qty"] = wire_amount("qty", qty)
    if profit or loss or "order_class" in given:
        body["order_class"] = given.get("order_class") or ("bracket" if profit and loss else "oto")
    if profit:
        body["take_profit"] = {"limit_price": profit}
    if loss:
        body["stop_loss"] = {"stop_price": loss, "limit_price": loss_limit}
    return body


def _type(given: Mapping[str, Any]) -> str:
    if "trail" in given or "trail_percent" in given:
        return "trailing_stop"
    if "stop" in given:
        return "stop_limit" if "limit" in given else "stop"
    return "limit" if "limit" in given or given.get("order_class") == "oco" else "market"


def replacement_body(changes: Mapping[str, Any]) -> dict[str, Any]:
    """As the API takes it. Raises as `order_body`."""
    known(changes, Replacement)
    names = {"limit": "limit_price", "stop": "stop_price", "trail": "trail", "qty": "qty"}
    return {
        names.get(name, name): wire_amount(name, value) if name in names else value
        for name, value in changes.items()
        if value is not None
    }


def known(options: Iterable[str], kind: type) -> None:
    """Raises TypeError for an option that the kind has not: an order without its limit would be another order."""
    names = kind.__annotations__
    if unknown := [name for name in options if name not in names]:
        raise TypeError(f"There is no option {unknown[0]!r}: there are {', '.join(names)}.")


def wire_amount(name: str, value: Amount) -> str:
    """A number as text, without an exponent. Raises ValueError, naming it."""
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"{name}={value!r} is no number.") from None
    if not number.is_finite():
        raise ValueError(f"{name}={value!r} is no number.")
    return format(number, "f")
