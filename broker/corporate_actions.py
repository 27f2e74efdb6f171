"""The store's corporate actions as an account meets them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from decimal import Decimal

from broker.matching.activity import ActivityKind
from broker.matching.ex_actions import ExAction
from marketdata.actions.known import Kind, actions_of
from marketdata.models import CorporateAction

KINDS = {
    Kind.SPLIT: ActivityKind.SPLIT,
    Kind.DIVIDEND: ActivityKind.DIVIDEND,
    Kind.SYMBOL_CHANGE: ActivityKind.NAME_CHANGE,
}


def corporate_actions(symbols: Collection[str], date: dt.date) -> list[ExAction]:
    """Splits, dividends and changes of symbols whose ex date it is, by symbol, in that order."""
    found = actions_of(symbols, date - dt.timedelta(days=1), date, list(KINDS))
    return [
        ExAction(symbol, KINDS[Kind(action.kind)], action.ratio or action.amount or Decimal(0), action.new_symbol)
        for symbol in sorted(found)
        for action in found[symbol]
    ]


def split_since(symbol: str, after: dt.date, until: dt.date) -> Decimal:
    """New shares for one of a day ago, by the splits with after < ex date ≤ until."""
    ratio = Decimal(1)
    for action in actions_of([symbol], after, until, [Kind.SPLIT]).get(symbol, []):
        ratio *= action.ratio or 1
    return ratio


def symbol_before(symbol: str, after: dt.date, until: dt.date) -> str:
    """What a symbol was a day ago, by the changes with after < ex date ≤ until."""
    changes = CorporateAction.objects.filter(
        kind=Kind.SYMBOL_CHANGE, new_symbol=symbol, ex_date__gt=after, ex_date__lte=until
    )
    old = changes.order_by("-ex_date").values_list("instrument__symbol", flat=True).first()
    return old or symbol
