"""What of an account's state an order is checked against, in the broker's words."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from broker.entry.order_form import OrderForm
from broker.matching.orders import ZERO, Order, collar
from broker.matching.terms import AUCTIONS, OrderClass, OrderType, Side, TimeInForce
from broker.refusals import against_rule, forbidden
from broker.standing import Standing
from marketdata.calendar import NEW_YORK
from streaming.engine.frames.frame_id import moment

LEAST_VALUE = Decimal(1)
SHORT_ABOVE_ASK = Decimal("1.03")
LARGEST_POSITION = 6
"""Times the equity."""
CENT = Decimal("0.01")
OPG_BEFORE_OPEN, CLS_BEFORE_CLOSE = dt.timedelta(minutes=2), dt.timedelta(minutes=10)
NIGHT_FROM = dt.time(19)
"""In New York: from then on, or from the end of a day that is played no longer, auctions are the next session's."""
WASH = "potential wash trade detected. use complex orders"
MARKETLIKE = frozenset({OrderType.MARKET, OrderType.STOP})


def intent_of(standing: Standing, form: OrderForm) -> str:
    """`buy_to_open` and the like, by the position that there is."""
    held = standing.position(form.symbol).qty
    closes = held * form.side.sign < 0
    return f"{form.side}_to_{'close' if closes else 'open'}"


def check(standing: Standing, form: OrderForm) -> None:
    """Raises Refusal."""
    settings = standing.settings
    if settings["suspend_trade"]:
        raise forbidden("new orders are rejected by user request")
    if form.is_fractional and not settings["fractional_trading"]:
        raise forbidden("fractional trading is disabled for this account")
    intent = intent_of(standing, form)
    if form.position_intent and form.position_intent != intent:
        raise against_rule(f"position intent mismatch, inferred: {intent}, specified: {form.position_intent}")
    _check_hours(standing, form)
    _check_value(standing, form)
    _check_stop(standing, form)
    _check_exits(standing, form)
    if intent.endswith("close"):
        check_shares(standing, form.symbol, form.qty)
        if form.notional is not None:
            _check_notional_close(standing, form)
    else:
        _check_opening(standing, form, intent)
    _check_wash(standing, form)


def _check_hours(standing: Standing, form: OrderForm) -> None:
    if form.time_in_force not in AUCTIONS:
        return
    now = moment(standing.clock_ms)
    calendar = standing.session.calendar
    date = calendar.session_date_of(now)
    if not calendar.is_trading_day(date):
        return
    day = calendar.trading_day(date)
    night = min(day.end, max(day.close, dt.datetime.combine(date, NIGHT_FROM, NEW_YORK)))
    if form.time_in_force is TimeInForce.OPG and day.open - OPG_BEFORE_OPEN <= now < night:
        raise forbidden("opg orders must be submitted after 7:00pm and before 9:28am")
    if form.time_in_force is TimeInForce.CLS and day.close - CLS_BEFORE_CLOSE <= now < night:
        raise forbidden("cls orders must be submitted after 7:00pm and before 3:55pm")


def _check_value(standing: Standing, form: OrderForm) -> None:
    value = form.notional
    if value is None and form.qty is not None:
        price = form.limit_price or form.stop_price or standing.prices.far_side(form.symbol, form.side)
        value = None if price is None else form.qty * price
    if value is not None and value < LEAST_VALUE:
        raise forbidden("cost basis must be >= minimal amount of order 1")


def _check_stop(standing: Standing, form: OrderForm) -> None:
    if form.stop_price is None:
        return
    price = standing.prices.far_side(form.symbol, form.side)
    if price is not None and form.side.sign * form.stop_price <= form.side.sign * price:
        word = "greater" if form.side is Side.BUY else "less"
        raise against_rule(
            f"stop price must be {word} than current price",
            market_price=format(price, "f"),
            stop_price=format(form.stop_price, "f"),
        )


def _check_exits(standing: Standing, form: OrderForm) -> None:
    """An exit lies beyond the base price; the stop also beyond the market."""
    if form.order_class is OrderClass.SIMPLE:
        return
    market = standing.prices.far_side(form.symbol, form.side)
    sign = -form.side.sign if form.order_class is OrderClass.OCO else form.side.sign
    base = form.limit_price if form.limit_price is not None else market
    if form.order_class is not OrderClass.OCO and form.take_profit is not None and base is not None:
        _beyond(form.take_profit, base, sign, "take_profit.limit_price")
    for price in (base, market):
        if form.stop_loss is not None and price is not None:
            _beyond(form.stop_loss, price, -sign, "stop_loss.stop_price")


def _beyond(price: Decimal, base: Decimal, sign: int, name: str) -> None:
    if sign * price < sign * base + CENT:
        text = ">= base_price + 0.01" if sign > 0 else "<= base_price - 0.01"
        raise against_rule(f"{name} must be {text}", base_price=format(base, "f"))


def check_shares(standing: Standing, symbol: str, qty: Decimal | None, beside: str = "") -> None:
    """A closing order needs shares that no other open order holds; `beside`: the order that it replaces."""
    held = abs(standing.position(symbol).qty)
    holding = [order for order in standing.holding(symbol) if order.id != beside]
    taken = sum((order.left for order in holding), ZERO)
    available = held - taken
    if qty is None or qty <= available:
        return
    raise forbidden(
        f"insufficient qty available for order (requested: {qty:f}, available: {max(available, ZERO):f})",
        available=format(max(available, ZERO), "f"),
        existing_qty=format(held, "f"),
        held_for_orders=format(taken, "f"),
        symbol=symbol,
        related_orders=[order.id for order in holding],
    )


def _check_notional_close(standing: Standing, form: OrderForm) -> None:
    price = standing.prices.far_side(form.symbol, form.side)
    assert form.notional is not None
    if price and form.notional / price > standing.available(form.symbol):
        check_shares(standing, form.symbol, (form.notional / price).quantize(Decimal("1e-9")))


def _check_opening(standing: Standing, form: OrderForm, intent: str) -> None:
    if form.order_class is OrderClass.OCO:
        check_shares(standing, form.symbol, form.qty)
    if form.side is Side.SELL:
        if form.is_fractional:
            raise against_rule("fractional orders cannot be sold short")
        if not standing.may_short:
            raise forbidden("account is not allowed to short")
    if form.notional is not None and any(
        o.symbol == form.symbol and o.intent.endswith("close") for o in standing.orders
    ):
        raise forbidden("unable to open new notional orders while having open closing position orders")
    price = cost_price(standing, form)
    if price is None:
        return
    cost = form.notional if form.notional is not None else price * (form.qty or ZERO)
    check_cost(standing, cost)
    held = abs(standing.position(form.symbol).qty) * price
    if held + cost > LARGEST_POSITION * standing.equity:
        raise forbidden("insufficient buying power", **_figures(standing.buying_power, cost))


def check_cost(standing: Standing, cost: Decimal, freed: Decimal = ZERO) -> None:
    """`freed`: what an order that is replaced had taken."""
    power = standing.buying_power + freed
    if cost > power:
        raise forbidden("insufficient buying power", **_figures(standing.buying_power, cost))


def _figures(power: Decimal, cost: Decimal) -> dict[str, str]:
    return {"buying_power": f"{power.quantize(CENT):f}", "cost_basis": f"{cost.quantize(CENT):f}"}


def cost_price(standing: Standing, form: OrderForm) -> Decimal | None:
    """What a share of an opening order takes of the buying power; None before the symbol's first price."""
    far = standing.prices.far_side(form.symbol, form.side)
    if form.side is Side.SELL:
        ask = standing.prices.far_side(form.symbol, Side.BUY)
        prices = [form.limit_price, None if ask is None else ask * SHORT_ABOVE_ASK]
        return max((price for price in prices if price is not None), default=None)
    if form.limit_price is not None:
        return form.limit_price
    return collar(form.stop_price) if form.stop_price is not None else far


def _check_wash(standing: Standing, form: OrderForm) -> None:
    """Against an open order of the other side: a market or stop among the two, or limits that cross."""
    if form.order_class is not OrderClass.SIMPLE or form.type is OrderType.TRAILING_STOP:
        return
    for order in standing.orders:
        other = order.symbol == form.symbol and order.side is not form.side
        exempt = order.order_class is not OrderClass.SIMPLE or order.type is OrderType.TRAILING_STOP
        if not other or exempt or order.group_id:
            continue
        if order.type in MARKETLIKE:
            raise forbidden(WASH, reject_reason="opposite side market/stop order exists", existing_order_id=order.id)
        if form.type in MARKETLIKE or _cross(form, order):
            raise forbidden(WASH, reject_reason="opposite side limit order exists", existing_order_id=order.id)


def _cross(form: OrderForm, order: Order) -> bool:
    assert form.limit_price is not None and order.limit_price is not None
    return form.side.sign * form.limit_price >= form.side.sign * order.limit_price
