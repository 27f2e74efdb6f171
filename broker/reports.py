"""Accounts, orders and executions as people and programs of ours see them: each with what it met on the tape."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO
from typing import Any

from broker.configurations import HEEDED
from broker.matching.activity import Activity, ActivityKind
from broker.matching.orders import Order, plain_text
from broker.matching.terms import OrderType
from broker.models import Account, AccountEvent
from broker.models import Order as OrderRow
from broker.standing import Standing, await_published, standing
from marketdata.units import MILLISECOND_NS
from streaming.engine.frames.frame_id import rfc3339

EXECUTION_COLUMNS = (
    *("time", "symbol", "side", "qty", "price", "position_qty", "basis", "met_price", "met_size", "met_at"),
    *("order_id", "client_order_id", "execution_id", "cursor"),
)


def stamp(ms: int | None) -> str | None:
    """RFC 3339, UTC."""
    return None if ms is None else rfc3339(ms)


def price_text(value: Any) -> str:
    """152.13, 0.0425, 152.1319: two decimals at least, four at most."""
    text = f"{float(value):,.4f}"
    return text[:-2] if text.endswith("00") else text.removesuffix("0")


def account(row: Account) -> dict[str, Any]:
    """Where it stands, as of the session's clock."""
    at = standing(row.pk)
    return {
        "name": row.name,
        "session": row.session_id,
        "number": row.number,
        "clock": stamp(at.clock_ms),
        "cash": plain_text(at.state.cash),
        "equity": plain_text(at.equity),
        "last_equity": plain_text(at.state.last_equity),
        "buying_power": plain_text(at.buying_power),
        "initial_margin": plain_text(at.initial_margin),
        "maintenance_margin": plain_text(at.maintenance_margin),
        "multiplier": at.multiplier,
        "terms": row.terms,
        "settings": {name: at.settings[name] for name in HEEDED},
        "positions": positions(at),
        "open_orders": len(at.orders),
        "events": at.state.events,
    }


def positions(at: Standing) -> list[dict[str, Any]]:
    rows = []
    for symbol, held in sorted(at.state.positions.items()):
        mark = at.marks[symbol]
        rows.append(
            {
                "symbol": symbol,
                "qty": plain_text(held.qty),
                "available": plain_text(at.available(symbol)),
                "average_entry": plain_text(held.average_entry),
                "price": plain_text(mark),
                "market_value": plain_text(held.qty * mark),
                "unrealized": plain_text(held.qty * mark - held.cost_basis),
            }
        )
    return rows


def orders(row: Account, *, is_open: bool | None = None, limit: int = 500, **like: Any) -> list[dict[str, Any]]:
    """Newest first. `like`: lookups of the rows' columns."""
    await_published(row.pk)
    rows = OrderRow.objects.filter(account=row, voided_in=None, **like)
    if is_open is not None:
        rows = rows.filter(is_open=is_open)
    return [order(each.working) for each in rows.order_by("-number")[:limit]]


def order(each: Order) -> dict[str, Any]:
    return {
        "id": each.id,
        "client_order_id": each.client_order_id,
        "submitted_at": stamp(each.submitted_ms),
        "symbol": each.symbol,
        "side": each.side,
        "type": each.type,
        "time_in_force": each.time_in_force,
        "qty": plain_text(each.qty),
        "notional": plain_text(each.notional),
        "limit_price": plain_text(each.limit_price),
        "stop_price": plain_text(each.trigger if each.type is OrderType.TRAILING_STOP else each.stop_price),
        "trail_price": plain_text(each.trail_price),
        "trail_percent": plain_text(each.trail_percent),
        "high_water_mark": plain_text(each.hwm),
        "extended_hours": each.extended_hours,
        "status": each.status,
        "filled_qty": plain_text(each.filled_qty),
        "filled_average": plain_text(each.average),
        "order_class": each.order_class or "simple",
        "group_id": each.group_id or None,
        "role": each.role,
        "parent_id": each.parent_id or None,
        "replaces": each.replaces or None,
        "replaced_by": each.replaced_by or None,
        "reason": each.reason or None,
    }


def activities(row: Account) -> list[dict[str, Any]]:
    """What changed cash or shares without a trade, oldest first, beginning with the opening cash."""
    at = standing(row.pk)
    opening = Activity(min(row.opened_ms, at.clock_ms), ActivityKind.DEPOSIT, "opening cash", row.cash)
    return [activity(each) for each in sorted((opening, *at.state.activities), key=lambda each: each.at_ms)]


def activity(each: Activity) -> dict[str, Any]:
    return {
        "time": stamp(each.at_ms),
        "kind": each.kind,
        "amount": plain_text(each.amount),
        "symbol": each.symbol,
        "qty": plain_text(each.qty),
        "per_share": plain_text(each.per_share),
        "note": each.words,
    }


def executions(row: Account) -> list[dict[str, Any]]:
    """Oldest first."""
    await_published(row.pk)
    events = AccountEvent.objects.filter(account=row, voided_in=None, qty__isnull=False).order_by("number")
    return [execution(event) for event in events]


def execution(event: AccountEvent) -> dict[str, Any]:
    return {
        "time": stamp(event.at_ms),
        "symbol": event.symbol,
        "side": event.order["side"],
        "qty": plain_text(event.qty),
        "price": plain_text(event.price),
        "position_qty": plain_text(event.position_qty),
        "basis": event.basis,
        "met_price": plain_text(event.met_price),
        "met_size": plain_text(event.met_size),
        "met_at": None if event.met_ns is None else stamp(event.met_ns // MILLISECOND_NS),
        "order_id": str(event.order_uuid),
        "client_order_id": event.order["client_order_id"],
        "execution_id": str(event.execution),
        "cursor": event.cursor,
    }


def executions_csv(rows: Iterable[dict[str, Any]]) -> str:
    out = StringIO()
    writer = csv.DictWriter(out, EXECUTION_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
