"""What an account was worth over time, from its executions and the prices of the tape."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from broker.matching.activity import Activity, ActivityKind
from broker.matching.state import State
from broker.models import Account, AccountEvent
from broker.prices import Prices
from sessions.models import Session

NEVER = 2**63


@dataclass(slots=True)
class Holdings:
    cash: Decimal
    shares: dict[str, Decimal] = field(default_factory=dict)
    entries: dict[str, Decimal] = field(default_factory=dict)
    """The last price of a trade of ours: where the tape has none."""
    renamed: Decimal = Decimal()
    """That of a symbol that has just been changed."""


def equity_at(account: Account, session: Session, instants: Sequence[int]) -> Iterator[Decimal]:
    """The equity at each of the instants (market ms), ascending."""
    opening = State.of(account.opening)
    held = Holdings(opening.cash, {symbol: position.qty for symbol, position in opening.positions.items()})
    held.entries = {symbol: position.average_entry for symbol, position in opening.positions.items()}
    executions = AccountEvent.objects.filter(account=account, voided_in=None, qty__isnull=False).order_by("number")
    coming = list(executions)
    activities = deque(State.of(account.state).activities)
    done = 0
    for at in instants:
        while True:  # in their order: what comes of a day's open comes before its first trade
            traded = coming[done].at_ms if done < len(coming) else NEVER
            changed = activities[0].at_ms if activities else NEVER
            if min(traded, changed) > at:
                break
            if changed <= traded:
                _change(held, activities.popleft())
            else:
                _trade(held, coming[done])
                done += 1
        yield held.cash + sum(
            (qty * _price(held, session, symbol, at) for symbol, qty in held.shares.items()), Decimal()
        )


def _change(held: Holdings, activity: Activity) -> None:
    held.cash += activity.amount
    symbol = activity.symbol
    if activity.kind is ActivityKind.SPLIT and (shares := held.shares.get(symbol)):
        held.shares[symbol] = shares + activity.qty
        held.entries[symbol] *= shares / (shares + activity.qty)
    elif activity.kind is ActivityKind.NAME_CHANGE:
        if symbol in held.shares and held.shares[symbol] == -activity.qty:
            del held.shares[symbol]
            held.renamed = held.entries.get(symbol, held.renamed)
        else:
            held.shares[symbol] = held.shares.get(symbol, Decimal()) + activity.qty
            held.entries.setdefault(symbol, held.renamed)


def _trade(held: Holdings, event: AccountEvent) -> None:
    assert event.qty is not None and event.price is not None and event.position_qty is not None
    signed = event.qty if event.order["side"] == "buy" else -event.qty
    held.cash -= signed * event.price
    held.entries[event.symbol] = event.price
    held.shares[event.symbol] = event.position_qty
    if not event.position_qty:
        del held.shares[event.symbol]


def _price(held: Holdings, session: Session, symbol: str, at: int) -> Decimal:
    mark = Prices(session, at).mark(symbol)
    return held.entries[symbol] if mark is None else mark
