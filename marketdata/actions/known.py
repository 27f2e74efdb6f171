"""What is known of an instrument's corporate actions. Nobody guesses: what was not imported is not there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from marketdata.models import CorporateAction

Kind = CorporateAction.Kind


@dataclass(frozen=True, slots=True)
class Action:
    """One stored action. `ratio` is a split's (new shares for an old one), `amount` a dividend's cash a share."""

    symbol: str
    kind: str
    ex_date: dt.date
    ratio: Decimal | None = None
    amount: Decimal | None = None
    special: bool = False
    new_symbol: str = ""
    announced_at: dt.datetime | None = None
    source: str = ""


def actions_between(
    symbol: str, after: dt.date, until: dt.date, kinds: Collection[str] = tuple(Kind.values)
) -> list[Action]:
    """Actions of the symbol with after < ex date ≤ until, by ex date: splits before dividends, then symbol changes.

    With a clock's trading day as `until` nothing is among them that the market has not gone ex yet.
    """
    return actions_of([symbol], after, until, kinds).get(symbol, [])


def actions_of(
    symbols: Collection[str], after: dt.date, until: dt.date, kinds: Collection[str] = tuple(Kind.values)
) -> dict[str, list[Action]]:
    """The same for many symbols in one query."""
    rows = CorporateAction.objects.filter(
        instrument__symbol__in=list(symbols), ex_date__gt=after, ex_date__lte=until, kind__in=list(kinds)
    )
    found: dict[str, list[Action]] = {}
    for row in rows.select_related("instrument"):
        found.setdefault(row.instrument.symbol, []).append(_action(row))
    order = [Kind.SPLIT, Kind.DIVIDEND, Kind.SYMBOL_CHANGE]
    return {
        symbol: sorted(actions, key=lambda one: (one.ex_date, order.index(Kind(one.kind)), one.special))
        for symbol, actions in found.items()
    }


def _action(row: CorporateAction) -> Action:
    return Action(
        row.instrument.symbol,
        row.kind,
        row.ex_date,
        row.ratio.normalize() if row.ratio is not None else None,
        row.amount.normalize() if row.amount is not None else None,
        row.special,
        row.new_symbol,
        row.announced_at,
        row.source,
    )
