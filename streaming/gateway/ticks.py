"""Trades and quotes of a session's dataset as its bots may see them: chunk by chunk, cut at its visible clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from marketdata.models import Scope
from marketdata.tick_models import TickDay
from marketdata.ticks.columns import TickColumns, TickKind
from marketdata.ticks.store import Spans, StoredTicks, load_chunk, spans, stored_ticks
from sessions.models import Session
from streaming.engine import journal
from streaming.gateway import tick_wire
from streaming.gateway.moments import SECOND, new_york_date
from streaming.gateway.pagination import Row, Rows, Span

KINDS = {"trades": TickKind.TRADES, "quotes": TickKind.QUOTES}
LOOK_BACK = dt.timedelta(days=14)
"""How old the latest may be: longer than any run of holidays."""


@dataclass(frozen=True, slots=True)
class TickRow:
    """One stored day of a symbol, or the half of one in extended hours that is before or after the session."""

    open_ns: int
    place: int
    """-1 before the session, 0 the session, 1 after it."""
    day: StoredTicks

    def within(self, start: int, end: int) -> tuple[int, int]:
        """Bounds of a span (ns) as this part counts: from the open, both included."""
        low, high = start - self.open_ns, end - self.open_ns
        return (max(low, 0) if self.place > 0 else low), (min(high, -1) if self.place < 0 else high)


@lru_cache(maxsize=32)
def _chunk(day: StoredTicks, number: int) -> TickColumns:
    """A version never changes, and the next page begins where the last one ended."""
    return load_chunk(day, number)


@lru_cache(maxsize=1024)
def _spans(day: StoredTicks) -> Spans:
    return spans(day)


class Ticks:
    """One kind of them, in one session, up to `visible` (ns)."""

    def __init__(self, session: Session, visible: int, kind: str) -> None:
        self.session, self.visible, self.kind = session, visible, KINDS[kind]
        self.today = new_york_date(visible)

    def rows(self, symbols: Sequence[str], first: dt.date, last: dt.date) -> dict[str, list[TickRow]]:
        """Symbol → its days within the dates and not after today, ascending; no event is read."""
        stored = TickDay.objects.current().filter(
            dataset_id=self.session.dataset_id,
            kind=self.kind,
            date__range=(first, min(last, self.today)),
            instrument__symbol__in=list(symbols),
        )
        pins = self._pins()
        chosen: dict[tuple[str, dt.date, str], TickDay] = {}
        for day in stored.select_related("instrument").order_by("date", "-derived"):
            chosen[day.instrument.symbol, day.date, day.scope] = day  # recorded ones replace those made from bars
        found: dict[str, list[TickRow]] = {}
        for (symbol, date, scope), day in chosen.items():
            played = _played(day, pins.get(date, {})) if scope == Scope.REGULAR else day
            if played:
                places = (0,) if scope == Scope.REGULAR else (-1, 1)
                opened = int(played.open_at.timestamp()) * SECOND
                found.setdefault(symbol, []).extend(TickRow(opened, place, stored_ticks(played)) for place in places)
        return {symbol: sorted(rows, key=lambda row: (row.open_ns, row.place)) for symbol, rows in found.items()}

    def _pins(self) -> Mapping[dt.date, Mapping[str, int | None]]:
        """The versions that this session plays, by date: they hold for it whatever the store gets later."""
        found: dict[dt.date, dict[str, int | None]] = {}
        for entry in journal.read(self.session.pk).entries:
            if entry.kind == journal.Kind.LOAD:
                date = dt.date.fromisoformat(entry.payload["date"])
                found[date] = {**entry.payload.get(self.kind, {}), **found.get(date, {})}
        return found

    def read(self, symbol: str, rows: Sequence[TickRow], span: Span) -> Rows:
        """At most `span.most` events of one symbol, from `rows`: its days."""
        stamps: list[int] = []
        events: list[Row] = []
        for row, part in self._parts(rows, span):
            part = part.take(slice(None, span.most - len(events)))
            at = part.at + row.open_ns
            stamps += at.tolist()
            events += tick_wire.rows(part, at)
            if len(events) >= span.most:
                break
        return Rows(stamps, events)

    def _parts(self, rows: Sequence[TickRow], span: Span) -> Iterator[tuple[TickRow, TickColumns]]:
        """What of the chunks is within the span and visible, in the asked order."""
        step = -1 if span.descending else 1
        end = min(span.end, self.visible)
        for row in rows[::step]:
            low, high = row.within(span.start, end)
            lie = _spans(row.day)
            for number in np.flatnonzero((lie.last >= low) & (lie.first <= high)).tolist()[::step]:
                chunk = _chunk(row.day, number)
                first, last = np.searchsorted(chunk.at, low, "left"), np.searchsorted(chunk.at, high, "right")
                yield row, chunk.take(slice(int(first), int(last))).take(slice(None, None, step))

    def latest(self, symbols: Sequence[str]) -> dict[str, Row]:
        """Symbol → its last event; symbols without one are absent."""
        span = Span(0, self.visible, True, 1)
        days = self.rows(symbols, self.today - LOOK_BACK, self.today)
        read = {symbol: self.read(symbol, rows, span).rows for symbol, rows in days.items()}
        return {symbol: rows[0] for symbol, rows in read.items() if rows}


def _played(day: TickDay, pins: Mapping[str, int | None]) -> TickDay | None:
    """The version that the session plays, None where it plays none; the current one of a symbol not in it."""
    pin = pins.get(day.instrument.symbol, day.pk)
    if pin in (None, day.pk):
        return day if pin else None
    return TickDay.objects.select_related("instrument").get(pk=pin)
