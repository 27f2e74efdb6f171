"""What the store knows of a dataset's trades and quotes, without loading an event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.db import connection

from marketdata.coverage.facts import NARROWED_TO, Question
from marketdata.kinds import DayKind
from marketdata.models import Dataset

# The row whose symbol is null is all of them together: a date that many symbols have is one day.
CURRENT = f"""
SELECT d.kind, d.derived, i.symbol, count(DISTINCT d.instrument_id), count(DISTINCT d.date), min(d.date), max(d.date),
       coalesce(sum(d.row_count) FILTER (WHERE d.scope = 'regular'), 0)::bigint,
       coalesce(sum(d.row_count) FILTER (WHERE d.scope <> 'regular'), 0)::bigint,
       sum(length(d.ledger))::bigint, sum(length(replace(d.ledger, 'A', '')))::bigint
  FROM marketdata_dayversion d JOIN marketdata_instrument i ON i.id = d.instrument_id
 WHERE d.dataset_id = %(dataset)s AND d.current AND d.kind <> 'bars' {NARROWED_TO}
 GROUP BY GROUPING SETS ((d.kind, d.derived), (d.kind, d.derived, i.symbol))
 ORDER BY d.kind DESC, d.derived, i.symbol NULLS FIRST
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class TickSpan:
    """Days of one kind, of a symbol or of all. `minutes`: those of the session with an event, of `expected`."""

    symbols: int
    days: int
    first: dt.date
    last: dt.date
    events: int
    outside: int
    expected: int
    minutes: int


@dataclass(frozen=True, slots=True)
class TickCoverage:
    """Trades or quotes of a dataset; those made from bars are kept apart from recorded ones."""

    kind: DayKind
    derived: bool
    total: TickSpan
    symbols: dict[str, TickSpan] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.kind.label} from bars" if self.derived else str(self.kind.label)


def tick_coverage(dataset: Dataset, question: Question) -> list[TickCoverage]:
    """Trades before quotes, recorded before derived."""
    with connection.cursor() as cursor:
        cursor.execute(CURRENT, question.params(dataset))
        rows = cursor.fetchall()
    groups = (list(group) for _, group in groupby(rows, lambda row: row[:2]))
    return [_coverage(group) for group in groups]


def _coverage(rows: Sequence[Sequence[Any]]) -> TickCoverage:
    (kind, derived, _, *total), *rest = rows
    return TickCoverage(
        DayKind(kind), derived, TickSpan(*total), {symbol: TickSpan(*span) for _, _, symbol, *span in rest}
    )


def tick_coverage_as_dict(coverage: TickCoverage, *, detail: bool) -> dict[str, Any]:
    """For JSON; `detail` adds every symbol."""
    found = {
        "kind": coverage.kind.value,
        "derived": coverage.derived,
        "symbol_count": coverage.total.symbols,
        **_span(coverage.total),
    }
    if detail:
        found["symbols"] = [{"symbol": symbol, **_span(span)} for symbol, span in coverage.symbols.items()]
    return found


def _span(span: TickSpan) -> dict[str, Any]:
    return {
        "day_count": span.days,
        "first": span.first.isoformat(),
        "last": span.last.isoformat(),
        "events": span.events,
        "outside_session": span.outside,
        "expected": span.expected,
        "minutes": span.minutes,
    }
