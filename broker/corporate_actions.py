"""The store's corporate actions as an account meets them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from decimal import Decimal

from django.db import connection

from broker.matching.activity import ActivityKind
from broker.matching.ex_actions import ExAction
from marketdata.actions.known import Kind, actions_of
from marketdata.models import CorporateAction

# Of symbols, those that have become another by a day and have had no day of their own since: begins a statement.
BECAME = """
WITH became AS (
SELECT DISTINCT ON (i.symbol) i.symbol, c.new_symbol
  FROM marketdata_corporateaction c JOIN marketdata_instrument i ON i.id = c.instrument_id
 WHERE i.symbol = ANY(%(symbols)s) AND c.kind = 'symbol' AND c.ex_date <= %(today)s
   AND NOT EXISTS (SELECT FROM marketdata_dayversion d
                    WHERE d.dataset_id = %(dataset)s AND d.instrument_id = i.id AND d.current
                      AND d.date BETWEEN c.ex_date AND %(today)s)
 ORDER BY i.symbol, c.ex_date DESC)
"""
ALL_THAT_BECAME = "SELECT symbol, new_symbol FROM became"
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


def became(dataset_id: int, today: dt.date, symbols: Collection[str]) -> dict[str, str]:
    """Symbol → the one that it has become by a day, of those that have had no day of their own since."""
    with connection.cursor() as cursor:
        cursor.execute(BECAME + ALL_THAT_BECAME, {"symbols": list(symbols), "today": today, "dataset": dataset_id})
        return dict(cursor.fetchall())
