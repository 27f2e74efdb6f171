"""A day that opened as after a split which no stored action explains: an event of the session, once the day is over."""

from __future__ import annotations

from django.db.models import QuerySet
from django.db.models.fields.json import KT

from marketdata.actions.known import Kind, actions_of
from marketdata.actions.likely import likely_split
from marketdata.models import DayVersion
from streaming.upkeep.holding import Holding


def report_likely_splits(holding: Holding) -> int:
    """Look at symbols whose day before is stored too, once the day is over: before, an open may be the future."""
    session, date = holding.session, holding.day.date
    before = session.calendar.previous_trading_day(date).date
    opens = _summaries(DayVersion.objects.filter(pk__in=[row.id for row in holding.held.values()]), "first_open")
    stored = DayVersion.objects.current().regular().minutes().filter(dataset_id=session.dataset_id, date=before)
    closes = _summaries(stored.filter(instrument__symbol__in=list(holding.held)), "last_close")
    known = actions_of(list(opens), before, date, [Kind.SPLIT])
    found = 0
    for symbol in sorted(opens.keys() & closes.keys() - known.keys()):
        words = likely_split(closes[symbol], opens[symbol])
        if words:
            text = f"{symbol} goes from {closes[symbol]:g} ({before}) to {opens[symbol]:g} ({date}): {words}"
            session.record("split", f"{text} No stored action says so: import_actions.", level="warning", symbol=symbol)
            found += 1
    return found


def _summaries(rows: QuerySet[DayVersion], name: str) -> dict[str, float]:
    values = rows.values_list("instrument__symbol", KT(f"summary__{name}"))
    return {symbol: float(value) for symbol, value in values if value}
