"""`/v2/account/activities`: what changed the account's cash and shares, as of the clock."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from broker.matching.activity import Activity, ActivityKind
from broker.matching.orders import Order
from broker.models import Account, AccountEvent
from broker.refusals import malformed
from broker.standing import await_published, standing
from gateway.trading.bot_calls import Call
from gateway.trading.order_wire import stamp, text
from gateway.wire import moments
from gateway.wire.spelling import on_wire
from marketdata.units import MILLISECOND_NS
from streaming.as_of.newest_frame import clock_ms

MOST = 100
CATEGORIES = {"trade_activity": {"FILL"}, "non_trade_activity": {"CSD", *ActivityKind}}
Row = dict[str, Any]


def get_activities(call: Call, kind: str | None = None) -> list[Row]:
    await_published(call.account_id)
    query = call.query
    kinds = _kinds(query, kind)
    rows = [row for row in _all(call, kinds) if _within(row, query)]
    if order_id := query.get("order_id"):
        rows = [row for row in rows if row[2].get("order_id") == order_id]
    if query.get("direction", "desc") not in ("asc", "desc"):
        raise malformed("direction must be one of asc, desc")
    if query.get("direction", "desc") == "desc":
        rows.reverse()
    token = query.get("page_token")
    if token:
        places = [i for i, (_, row_id, _) in enumerate(rows) if row_id == token]
        if not places:
            raise malformed("page_token is not the id of an activity")
        rows = rows[places[0] + 1 :]
    return [row for _, _, row in rows[: _page_size(query)]]


def _kinds(query: Mapping[str, str], kind: str | None) -> set[str] | None:
    names, category = query.get("activity_types"), query.get("category")
    if names and category:
        raise malformed("only one of activity_types or category is accepted")
    if category:
        if category not in CATEGORIES:
            raise malformed(f"category must be one of {', '.join(CATEGORIES)}")
        return CATEGORIES[category]
    if kind or names:
        return {name.strip().upper() for name in (kind or names or "").split(",")}
    return None


def _page_size(query: Mapping[str, str]) -> int:
    given = query.get("page_size") or str(MOST)
    if not given.isdecimal() or not 1 <= int(given[:9]) <= MOST:
        raise malformed(f"page_size must be between 1 and {MOST}")
    return int(given)


Dated = tuple[int, str, Row]
"""Market time (ms), id and the activity."""


def _all(call: Call, kinds: set[str] | None) -> list[Dated]:
    """Oldest first."""
    found: list[Dated] = []
    if kinds is None or "CSD" in kinds:
        found.append(_deposit(call.account, clock_ms(call.session)))
    activities = standing(call.account_id).state.activities
    found += [_non_trade(call.account, each) for each in activities if kinds is None or each.kind in kinds]
    if kinds is None or "FILL" in kinds:
        events = AccountEvent.objects.filter(account=call.account, voided_in=None, qty__isnull=False)
        found += [_fill(event) for event in events.order_by("number")]
    return sorted(found, key=lambda row: row[0])


def _deposit(account: Account, now_ms: int) -> Dated:
    at = min(account.opened_ms, now_ms)
    row = {
        "activity_type": "CSD",
        "id": _id(at, uuid.uuid5(account.uuid, "opening")),
        "date": moments.new_york_date(at * MILLISECOND_NS).isoformat(),
        "net_amount": text(account.cash),
        "status": "executed",
        "created_at": stamp(at),
        "currency": "USD",
        "description": "opening cash",
    }
    return at, row["id"] or "", row


def _non_trade(account: Account, activity: Activity) -> Dated:
    name = " ".join(filter(None, (str(activity.at_ms), activity.symbol, activity.words)))
    row = {
        "activity_type": str(activity.kind),
        "id": _id(activity.at_ms, uuid.uuid5(account.uuid, name)),
        "date": moments.new_york_date(activity.at_ms * MILLISECOND_NS).isoformat(),
        "net_amount": text(activity.amount),
        "status": "executed",
        "created_at": stamp(activity.at_ms),
        "currency": "USD",
        "description": activity.words,
    }
    if activity.symbol:
        row |= {"symbol": on_wire(activity.symbol), "qty": text(activity.qty)}
    if activity.kind is ActivityKind.DIVIDEND:
        row["per_share_amount"] = text(activity.per_share)
    return activity.at_ms, row["id"] or "", row


def _fill(event: AccountEvent) -> Dated:
    after = Order.of(event.order)
    assert event.execution is not None
    row = {
        "activity_type": "FILL",
        "id": _id(event.at_ms, event.execution),
        "transaction_time": stamp(event.at_ms),
        "type": "partial_fill" if event.kind == "partial_fill" else "fill",
        "price": text(event.price),
        "qty": text(event.qty),
        "side": after.side,
        "symbol": on_wire(event.symbol),
        "leaves_qty": text(after.left),
        "order_id": str(event.order_uuid),
        "cum_qty": text(after.filled_qty),
        "order_status": after.status,
    }
    return event.at_ms, row["id"] or "", row


def _id(ms: int, unique: uuid.UUID) -> str:
    moment = dt.datetime.fromtimestamp(ms // 1000, dt.UTC)
    return f"{moment:%Y%m%d%H%M%S}{ms % 1000:03d}::{unique}"


def _within(row: Dated, query: Mapping[str, str]) -> bool:
    at = row[0] * MILLISECOND_NS
    if date := query.get("date"):
        return moments.start_of(date, "date") <= at <= moments.end_of(date, "date")
    after, until = query.get("after"), query.get("until")
    return (not after or at > moments.start_of(after, "after")) and (not until or at <= moments.end_of(until, "until"))
