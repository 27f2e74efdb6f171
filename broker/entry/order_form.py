"""An order as it was asked for: read from a body, and checked as far as no account is needed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from broker.matching.orders import Quantity, tick_of
from broker.matching.terms import AUCTIONS, OrderClass, OrderType, Side, TimeInForce
from broker.refusals import against_rule, malformed

MOST_DIGITS = 15
"""The most digits of a quantity or a price before the point."""
MOST_DECIMALS = 9
LONGEST_CLIENT_ID = 128
LEAST_TRAIL_PERCENT = Decimal("0.1")
SUB_PENNY = "invalid {} {}. sub-penny increment does not fulfill minimum pricing criteria"
WORDS = TypeVar("WORDS", OrderType, TimeInForce, Side, OrderClass)


@dataclass(slots=True)
class OrderForm(Quantity):
    """Quantities and prices as they were given; unset ones are None."""

    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    client_order_id: str
    qty: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    extended_hours: bool = False
    order_class: OrderClass = OrderClass.SIMPLE
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_loss_limit: Decimal | None = None
    position_intent: str = ""


def read_order(body: Any) -> OrderForm:
    """Raises Refusal."""
    if not isinstance(body, Mapping):
        raise malformed("request body format is invalid")
    order_class = _word(OrderClass, str(body.get("order_class") or "").replace("simple", ""), "invalid order class")
    take_profit, stop_loss = (_mapping(body, name) for name in ("take_profit", "stop_loss"))
    form = OrderForm(
        symbol=_text(body, "symbol"),
        side=_word(Side, body.get("side"), "side must be buy or sell"),
        type=_word(OrderType, body.get("type"), "invalid order type"),
        time_in_force=_word(TimeInForce, body.get("time_in_force"), "invalid time_in_force"),
        qty=number(body, "qty"),
        notional=number(body, "notional"),
        limit_price=price(body, "limit_price"),
        stop_price=price(body, "stop_price"),
        trail_price=number(body, "trail_price"),
        trail_percent=number(body, "trail_percent"),
        extended_hours=flag(body.get("extended_hours")),
        client_order_id=client_id(body),
        order_class=order_class,
        take_profit=price(take_profit, "limit_price", "take_profit."),
        stop_loss=price(stop_loss, "stop_price", "stop_loss."),
        stop_loss_limit=price(stop_loss, "limit_price", "stop_loss."),
        position_intent=str(body.get("position_intent") or ""),
    )
    if body.get("legs"):
        raise malformed("multi-leg orders are not simulated: give one symbol")
    _check_quantity(form)
    _check_prices(form)
    _check_time_in_force(form)
    _check_class(form)
    return form


def _check_quantity(form: OrderForm) -> None:
    if form.qty is None and form.notional is None:
        raise malformed("qty or notional is required")
    if form.qty is not None and form.notional is not None:
        raise malformed("only one of qty or notional is accepted")
    if form.is_fractional:
        if form.order_class is not OrderClass.SIMPLE:
            raise against_rule("fractional orders must be simple orders")
        if form.time_in_force is not TimeInForce.DAY:
            raise against_rule("fractional orders must be DAY orders")
        if form.type is OrderType.TRAILING_STOP:
            raise against_rule("fractional orders must be market, limit, stop or stop_limit orders")


def _check_prices(form: OrderForm) -> None:
    if form.type is OrderType.LIMIT and form.order_class is OrderClass.OCO and form.limit_price is None:
        form.limit_price = form.take_profit
    has_limit, has_stop = form.limit_price is not None, form.stop_price is not None
    match form.type:
        case OrderType.MARKET if has_limit or has_stop:
            raise malformed("market orders require no stop or limit price")
        case OrderType.LIMIT if not has_limit:
            raise malformed("limit orders require a limit price")
        case OrderType.LIMIT if has_stop:
            raise malformed("limit orders require no stop price")
        case OrderType.STOP if not has_stop:
            raise malformed("stop orders require a stop price")
        case OrderType.STOP if has_limit:
            raise malformed("stop orders require no limit price")
        case OrderType.STOP_LIMIT if not (has_limit and has_stop):
            raise malformed("stop limit orders require both stop and limit price")
        case OrderType.TRAILING_STOP:
            _check_trail(form)
        case _:
            pass
    if form.type is not OrderType.TRAILING_STOP and (form.trail_price or form.trail_percent) is not None:
        raise malformed("only trailing stop orders have a trail_price or trail_percent")


def _check_trail(form: OrderForm) -> None:
    if (form.trail_price is None) == (form.trail_percent is None):
        raise malformed("trailing stop orders must specify one of trail_price or trail_percent")
    if form.limit_price is not None or form.stop_price is not None:
        raise malformed("trailing stop orders require no stop or limit price")
    if form.trail_percent is not None and form.trail_percent < LEAST_TRAIL_PERCENT:
        raise malformed("trail_percent must be greater than or equal to 0.1")
    if form.trail_percent is not None and form.trail_percent >= 100:
        raise malformed("trail_percent must be less than 100")


def _check_time_in_force(form: OrderForm) -> None:
    tif = form.time_in_force
    if form.extended_hours and (form.type is not OrderType.LIMIT or tif not in (TimeInForce.DAY, TimeInForce.GTC)):
        raise against_rule("extended hours order must be DAY or GTC limit orders")
    if form.extended_hours and form.order_class is not OrderClass.SIMPLE:
        raise against_rule("extended hours order must be simple orders")
    at_once = tif in AUCTIONS or tif in (TimeInForce.IOC, TimeInForce.FOK)
    if at_once and form.type not in (OrderType.MARKET, OrderType.LIMIT):
        raise against_rule(f"{form.type} orders must be DAY or GTC orders, not {tif}")
    if at_once and form.order_class is not OrderClass.SIMPLE:
        raise against_rule(f"{form.order_class} orders must be DAY or GTC orders, not {tif}")


def _check_class(form: OrderForm) -> None:
    has = form.take_profit is not None, form.stop_loss is not None
    match form.order_class:
        case OrderClass.SIMPLE if any(has):
            raise malformed("only bracket, oco and oto orders have a take_profit or stop_loss")
        case OrderClass.BRACKET | OrderClass.OTO if form.type not in (OrderType.MARKET, OrderType.LIMIT):
            raise against_rule(f"{form.order_class} orders must be entered with market or limit orders")
        case OrderClass.BRACKET if not all(has):
            raise malformed("bracket orders require take_profit.limit_price and stop_loss.stop_price")
        case OrderClass.OTO if has[0] == has[1]:
            raise malformed("oto orders require one of take_profit or stop_loss")
        case OrderClass.OCO if form.type is not OrderType.LIMIT:
            raise malformed("oco orders must be limit orders")
        case OrderClass.OCO if not all(has):
            raise malformed("oco orders require take_profit.limit_price and stop_loss.stop_price")
        case _:
            pass


def number(body: Mapping[str, Any], name: str, prefix: str = "") -> Decimal | None:
    """A number above zero, given as a number or as text."""
    given = body.get(name)
    if given is None or given == "":
        return None
    try:
        if isinstance(given, bool) or not isinstance(given, str | int | float | Decimal):
            raise InvalidOperation
        value = Decimal(str(given).strip())
    except InvalidOperation:
        raise malformed(f"{prefix}{name} must be a number, not {str(given)[:40]!r}") from None
    if not value.is_finite() or value.adjusted() >= MOST_DIGITS:
        raise malformed(f"{prefix}{name} must be a number below 10^{MOST_DIGITS}, not {str(given)[:40]!r}")
    if value <= 0:
        raise malformed(f"{(prefix + name).replace('_', ' ')} must be > 0")
    if int(value.as_tuple().exponent) < -MOST_DECIMALS:
        raise malformed(f"{prefix}{name} must have at most {MOST_DECIMALS} decimals")
    return plain(value)


def plain(value: Decimal) -> Decimal:
    """Without an exponent and without zeros behind the last digit that counts."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def price(body: Mapping[str, Any], name: str, prefix: str = "") -> Decimal | None:
    """A price in whole ticks."""
    value = number(body, name, prefix)
    if value is not None and value % tick_of(value):
        raise against_rule(SUB_PENNY.format(prefix + name, format(value, "f")))
    return value


def client_id(body: Mapping[str, Any]) -> str:
    given = str(body.get("client_order_id") or uuid.uuid4())
    if len(given) > LONGEST_CLIENT_ID:
        raise malformed("client_order_id must be no more than 128 characters")
    if "\0" in given or not given.isprintable():
        raise malformed("client_order_id must have printable characters only")
    return given


def flag(given: Any) -> bool:
    return str(given).lower() == "true"


def _word(words: type[WORDS], given: Any, message: str) -> WORDS:
    try:
        return words(given)
    except ValueError:
        raise malformed(message) from None


def _text(body: Mapping[str, Any], name: str) -> str:
    given = body.get(name)
    if not isinstance(given, str) or not given.strip():
        raise malformed(f"{name} is required")
    return given.strip()


def _mapping(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    given = body.get(name)
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise malformed(f"{name} must be an object")
    return given
