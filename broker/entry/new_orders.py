"""The orders that a checked form asks for: one, or a group's with the entry first."""

from __future__ import annotations

import uuid
from dataclasses import fields
from dataclasses import replace as changed
from decimal import Decimal
from typing import Any

from broker.entry import rules
from broker.entry.order_form import OrderForm
from broker.matching.orders import Order
from broker.matching.terms import AUCTIONS, OrderClass, OrderType, Role, Side, Status, TimeInForce
from broker.standing import Standing
from marketdata.exchange_calendar import ExchangeCalendar
from streaming.engine.frames.frame_id import moment

GTC_DAYS_MS = 90 * 24 * 3_600_000
SAME = sorted({field.name for field in fields(OrderForm)} & {field.name for field in fields(Order)})
"""What an order has as it was asked for."""


def market_form(symbol: str, side: Side, qty: Decimal) -> OrderForm:
    """A market order for the day."""
    return OrderForm(
        symbol=symbol,
        side=side,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        qty=qty,
        client_order_id=str(uuid.uuid4()),
    )


def orders_of(standing: Standing, form: OrderForm, number: int) -> list[Order]:
    """`number`: of the first of them."""
    intent = rules.intent_of(standing, form)
    opens = intent.endswith("open") and form.order_class is not OrderClass.OCO
    first = _order(standing, form, number, intent)
    first.cost_price = rules.cost_price(standing, form) if opens else None
    if form.order_class is OrderClass.SIMPLE:
        return [first]
    first.group_id = str(uuid.uuid4())
    first.role = Role.TAKE_PROFIT if form.order_class is OrderClass.OCO else Role.ENTRY
    return [first, *_exits(form, first)]


def _exits(form: OrderForm, first: Order) -> list[Order]:
    oco = form.order_class is OrderClass.OCO
    side = form.side if oco else form.side.other
    shared: dict[str, Any] = {
        "side": side,
        "type": OrderType.LIMIT,
        "limit_price": None,
        "stop_price": None,
        "intent": first.intent if oco else f"{side}_to_close",
        "status": first.status if oco else Status.HELD,
        "parent_id": first.id,
        "cost_price": None,
    }
    exits = []
    if form.take_profit is not None and not oco:
        exits.append({"role": Role.TAKE_PROFIT, "limit_price": form.take_profit})
    if form.stop_loss is not None:
        kind = OrderType.STOP if form.stop_loss_limit is None else OrderType.STOP_LIMIT
        stop = {"role": Role.STOP_LOSS, "type": kind, "stop_price": form.stop_loss, "limit_price": form.stop_loss_limit}
        exits.append(stop)
    made = []
    for i, each in enumerate(exits, 1):
        ids = {"id": str(uuid.uuid4()), "number": first.number + i}
        made.append(changed(first, **{**shared, **each, **ids, "client_order_id": str(uuid.uuid4())}))
    return made


def _order(standing: Standing, form: OrderForm, number: int, intent: str) -> Order:
    now = standing.clock_ms
    waits = form.time_in_force in AUCTIONS or not _is_open(standing.session.calendar, now, form.extended_hours)
    return Order(
        id=str(uuid.uuid4()),
        number=number,
        intent=intent,
        hwm=standing.prices.mark(form.symbol) if form.type is OrderType.TRAILING_STOP else None,
        status=Status.ACCEPTED if waits else Status.PENDING_NEW,
        created_ms=now,
        updated_ms=now,
        submitted_ms=now,
        expires_ms=expiry_of(form.time_in_force, now),
        **{name: getattr(form, name) for name in SAME},
    )


def expiry_of(time_in_force: TimeInForce, created_ms: int) -> int | None:
    return created_ms + GTC_DAYS_MS if time_in_force is TimeInForce.GTC else None


def _is_open(calendar: ExchangeCalendar, ms: int, extended_hours: bool) -> bool:
    now = moment(ms)
    date = calendar.session_date_of(now)
    if not calendar.is_trading_day(date):
        return False
    day = calendar.trading_day(date)
    return day.begin <= now < day.end if extended_hours else day.open <= now < day.close
