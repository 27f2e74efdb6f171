"""The store's corporate actions as an account meets them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from decimal import Decimal

from broker.matching.activity import ActivityKind, ExAction
from marketdata.actions.known import Kind, actions_of

KINDS = {Kind.SPLIT: ActivityKind.SPLIT, Kind.DIVIDEND: ActivityKind.DIVIDEND}


def corporate_actions(symbols: Collection[str], date: dt.date) -> list[ExAction]:
    """Splits and dividends whose ex date it is, by symbol: splits first."""
    found = actions_of(symbols, date - dt.timedelta(days=1), date, list(KINDS))
    return [
        ExAction(symbol, KINDS[Kind(action.kind)], action.ratio or action.amount or Decimal(0))
        for symbol in sorted(found)
        for action in found[symbol]
    ]


def split_since(symbol: str, after: dt.date, until: dt.date) -> Decimal:
    """New shares for one of a day ago, by the splits with after < ex date ≤ until."""
    ratio = Decimal(1)
    for action in actions_of([symbol], after, until, [Kind.SPLIT]).get(symbol, []):
        ratio *= action.ratio or 1
    return ratio
