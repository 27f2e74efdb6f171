"""Accounts of two sessions side by side: the first event of each at which they differ."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from broker.matching.orders import plain_text
from broker.models import Account, AccountEvent
from sessions.models import Session

Line = tuple[int, str]
"""When (ms), and in words what: without ids, which no two sessions share."""


def compare_accounts(a: Session, b: Session) -> Iterator[tuple[int, dict[str, Any]]]:
    """By name, from where both have begun, and of sessions that are live as far as both have come."""
    ours, theirs = ({row.name: row for row in Account.objects.filter(session=session)} for session in (a, b))
    found, live = [], a.is_live or b.is_live
    for name in sorted({*ours, *theirs}):
        pair = ours.get(name), theirs.get(name)
        first = _first(_lines(*pair, live=live), _lines(*pair[::-1], live=live))
        if first is not None:
            found.append((*first, name))
    for ms, one, other, name in sorted(found):
        yield ms, {"what": "account", "symbol": name, "field": "event", "a": one, "b": other}


def _first(a: Iterator[Line], b: Iterator[Line]) -> tuple[int, str, str] | None:
    for one, other in zip_longest(a, b):
        if one != other:
            ms = min(each[0] for each in (one, other) if each)
            return ms, one[1] if one else "none", other[1] if other else "none"
    return None


def _lines(account: Account | None, other: Account | None, *, live: bool) -> Iterator[Line]:
    """The account's events in words; none where there is no account."""
    events = AccountEvent.objects.filter(account=account, voided_in=None).order_by("number")
    if account and other and account.opened_ms < other.opened_ms:
        events = events.filter(at_ms__gt=other.opened_ms)
    if account and other and live:
        events = events.filter(at_ms__lte=min(account.through_ms, other.through_ms))
    for event in events.iterator():
        words = [f"order {event.order['number']}", event.kind, event.order["side"], event.symbol]
        if event.execution is not None:
            words += [f"{plain_text(event.qty)} at {plain_text(event.price)}", event.basis]
        yield event.at_ms, " ".join(map(str, words))
