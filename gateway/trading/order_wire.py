"""Orders and positions in the broker's wire form: money as text, stamps in market time."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from broker.matching.lots import Position
from broker.matching.orders import Order, plain_text
from broker.matching.terms import OrderType
from broker.standing import Standing
from gateway.trading.assets import EXCHANGE, asset_id
from gateway.wire.moments import rfc3339_ns
from gateway.wire.spelling import on_wire
from marketdata.units import MILLISECOND_NS

PLACES = Decimal("1e-9")


def text(value: Decimal | None) -> str | None:
    """A number as the broker writes it: no exponent, no zeros behind the last digit, nine decimals at most."""
    if value is None:
        return None
    if value.as_tuple().exponent < -9:  # type: ignore[operator]
        value = value.quantize(PLACES)
    return plain_text(value)


def stamp(ms: int | None) -> str | None:
    return None if ms is None else rfc3339_ns(ms * MILLISECOND_NS)


def order(each: Order, legs: Sequence[Order] | None = None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": each.id,
        "client_order_id": each.client_order_id,
        "created_at": stamp(each.created_ms),
        "updated_at": stamp(each.updated_ms),
        "submitted_at": stamp(each.submitted_ms),
        "filled_at": stamp(each.filled_ms),
        "expired_at": stamp(each.expired_ms),
        "expires_at": stamp(each.expires_ms),
        "cancel_requested_at": stamp(each.cancel_requested_ms),
        "canceled_at": stamp(each.canceled_ms),
        "failed_at": stamp(each.failed_ms),
        "replaced_at": stamp(each.replaced_ms),
        "replaced_by": each.replaced_by or None,
        "replaces": each.replaces or None,
        "asset_id": str(asset_id(each.symbol)),
        "symbol": on_wire(each.symbol),
        "asset_class": "us_equity",
        "notional": text(each.notional),
        "qty": text(each.qty),
        "filled_qty": text(each.filled_qty),
        "filled_avg_price": text(each.average),
        "order_class": each.order_class,
        "order_type": each.type,
        "type": each.type,
        "side": each.side,
        "position_intent": each.intent,
        "time_in_force": each.time_in_force,
        "limit_price": text(each.limit_price),
        "stop_price": text(each.trigger if each.type is OrderType.TRAILING_STOP else each.stop_price),
        "status": each.status,
        "extended_hours": each.extended_hours,
        "legs": [order(leg) for leg in legs] if legs else None,
        "trail_percent": text(each.trail_percent),
        "trail_price": text(each.trail_price),
        "hwm": text(each.hwm),
        "ratio_qty": None,
        "subtag": None,
        "source": None,
    }
    if each.group_id:
        row |= {"group_id": each.group_id, "group_role": each.role}
    return row


def position(standing: Standing, symbol: str) -> dict[str, Any]:
    held: Position = standing.state.positions[symbol]
    mark = standing.marks[symbol]
    value, basis = held.qty * mark, held.cost_basis
    last = standing.prices.last_close(symbol) or mark
    overnight = held.overnight
    intraday = overnight * (mark - last) + held.today * (mark - held.today_price)
    intraday_basis = abs(overnight * last + held.today * held.today_price)
    profit = value - basis
    return {
        "asset_id": str(asset_id(symbol)),
        "symbol": on_wire(symbol),
        "exchange": EXCHANGE,
        "asset_class": "us_equity",
        "asset_marginable": True,
        "qty": text(held.qty),
        "qty_available": text(_signed(standing.available(symbol), held.qty)),
        "avg_entry_price": text(held.average_entry),
        "side": "long" if held.qty > 0 else "short",
        "market_value": text(value),
        "cost_basis": text(basis),
        "unrealized_pl": text(profit),
        "unrealized_plpc": text(_share(profit, abs(basis))),
        "unrealized_intraday_pl": text(intraday),
        "unrealized_intraday_plpc": text(_share(intraday, intraday_basis)),
        "current_price": text(mark),
        "lastday_price": text(last),
        "change_today": text(_share(mark - last, last)),
    }


def _signed(available: Decimal, qty: Decimal) -> Decimal:
    return available if qty > 0 else -available


def _share(part: Decimal, of: Decimal) -> Decimal:
    return part / of if of else Decimal(0)


def trade_update(event: Mapping[str, Any], account: uuid.UUID) -> dict[str, Any]:
    """An event of the account as the trade socket reports it."""
    at = stamp(event["at_ms"])
    data: dict[str, Any] = {
        "event": event["kind"],
        "order": order(Order.of(event["order"])),
        "timestamp": at,
        "at": at,
        "event_id": event_id(event, account),
    }
    if event.get("execution"):
        data |= {"execution_id": event["execution"], "price": event["price"], "qty": event["qty"]}
        data["position_qty"] = event["position_qty"]
    return {"stream": "trade_updates", "data": data}


ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def event_id(event: Mapping[str, Any], account: uuid.UUID) -> str:
    """A ULID: the market's milliseconds, then account, generation and number, so that ids ascend and never repeat."""
    value = (int(event["at_ms"]) << 80) | (int(event["generation"]) & 0xFFFF) << 64
    value |= (int(event["number"]) & 0xFFFFFFFF) << 32 | account.int & 0xFFFFFFFF
    return "".join(ALPHABET[(value >> shift) & 31] for shift in range(125, -5, -5))
