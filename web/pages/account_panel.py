"""An account as the session's page shows it: where it stands, its orders, and why each fill was made."""

from __future__ import annotations

import datetime as dt
from typing import Any

from broker import reports
from broker.equity import equity_at
from broker.matching.orders import plain_text
from broker.matching.terms import Basis
from broker.models import Account, AccountEvent
from broker.models import Order as OrderRow
from broker.standing import Standing, standing
from marketdata.units import MINUTE_MS
from sessions.models import Session
from web.equity_instants import instants

MOST_ORDERS, MOST_EXECUTIONS = 100, 500
CURVE_POINTS = 160
WHY = {
    Basis.QUOTE: "met the quote {price}{size} of {at}",
    Basis.TRADE: "met the trade {price}{size} of {at}",
    Basis.BAR_OPEN: "open {price} of the bar from {at}",
    Basis.BAR_RANGE: "range of the bar from {at}",
    Basis.LAST_CLOSE: "close {price} of the last bar, {at}",
    Basis.AUCTION: "auction print {price}{size} of {at}",
}


def names(session: Session) -> list[str]:
    """The session's accounts, the oldest first."""
    return list(Account.objects.filter(session=session).order_by("pk").values_list("name", flat=True))


def read(account_id: int, since: int, *, curve: bool = False) -> dict[str, Any]:
    """All that the page shows, executions from the event after `since` on; with the equity so far. Raises Refusal."""
    at = standing(account_id)
    executions = _executions(at.account, since)
    payload = {
        "name": at.account.name,
        "clock": at.clock_ms,
        "cash": plain_text(at.state.cash),
        "equity": plain_text(at.equity),
        "last_equity": plain_text(at.state.last_equity),
        "buying_power": plain_text(at.buying_power),
        "positions": reports.positions(at),
        "orders": _orders(at.account),
        "executions": executions,
        "whole": since == 0,
        "number": executions[-1]["number"] if executions else since,
    }
    return payload | ({"curve": _curve(at)} if curve else {})


def why(event: AccountEvent, zone: dt.tzinfo) -> str:
    """What a fill met on the tape, in words; times in the exchange's zone."""
    met = None if event.met_ns is None else dt.datetime.fromtimestamp(event.met_ns / 1e9, dt.UTC)
    bar = event.basis in (Basis.BAR_OPEN, Basis.BAR_RANGE, Basis.LAST_CLOSE)
    form = "%H:%M" if bar else "%H:%M:%S"
    return WHY[Basis(event.basis)].format(
        price=plain_text(event.met_price) or "",
        size=f" × {plain_text(event.met_size)}" if event.met_size is not None and not bar else "",
        at=met.astimezone(zone).strftime(form) if met else "an unknown moment",
    )


def _executions(account: Account, since: int) -> list[dict[str, Any]]:
    """Oldest first; of many the newest."""
    rows = AccountEvent.objects.filter(account=account, voided_in=None, qty__isnull=False, number__gt=since)
    zone = account.session.calendar.zone
    newest = list(rows.order_by("-number")[:MOST_EXECUTIONS])[::-1]
    return [reports.execution(row) | {"number": row.number, "why": why(row, zone)} for row in newest]


def _orders(account: Account) -> list[dict[str, Any]]:
    """Open ones and the newest others; a note says why one waits."""
    rows = OrderRow.objects.filter(account=account, voided_in=None)
    shown = {row.uuid: row for row in [*rows.filter(is_open=True), *rows.order_by("-number")[:MOST_ORDERS]]}
    said = AccountEvent.objects.filter(account=account, voided_in=None, order_uuid__in=list(shown)).exclude(note="")
    notes = dict(said.order_by("number").values_list("order_uuid", "note"))
    listed = sorted(shown.values(), key=lambda row: row.number, reverse=True)
    return [
        reports.order(row.working) | {"open": row.is_open, "note": notes.get(row.uuid, ""), "number": row.number}
        for row in listed
    ]


def _curve(at: Standing) -> list[list[Any]]:
    """[seconds, equity], from the account's opening to the clock."""
    account, session = at.account, at.session
    step = MINUTE_MS
    found = instants(account, at.clock_ms, step)
    thinned = found[:: max(1, len(found) // CURVE_POINTS)]
    if found and thinned[-1] != found[-1]:
        thinned.append(found[-1])
    return [[ms // 1000, float(value)] for ms, value in zip(thinned, equity_at(account, session, thinned), strict=True)]
