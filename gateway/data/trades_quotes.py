"""Trades and quotes of a session's dataset as its bots may see them: chunk by chunk, cut at its clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gateway.data import trade_quote_wire as tick_wire
from gateway.data.page_tokens import Row, Rows, Span
from gateway.data.trade_quote_wire import places
from gateway.wire.moments import new_york_date
from gateway.wire.spelling import as_stored
from marketdata.columns import Ints, TickColumns
from marketdata.kinds import DayKind, outside
from marketdata.models import DayVersion, Scope
from marketdata.store import Spans, StoredDay, load_chunk, spans, stored_day
from marketdata.units import SECOND_NS
from sessions.models import Session
from streaming.engine.records import journal

KINDS = {"trades": DayKind.TRADES, "quotes": DayKind.QUOTES}
LOOK_BACK = dt.timedelta(days=14)
"""How old the latest may be: longer than any run of holidays."""


@dataclass(frozen=True, slots=True)
class TickRow:
    """One stored day of a symbol, or the half of one in extended hours that is before or after the session."""

    open_ns: int
    place: int
    """-1 before the session, 0 the session, 1 after it."""
    day: StoredDay

    def within(self, start: int, end: int) -> tuple[int, int]:
        """Bounds of a span (ns) as this part counts: from the open, both included."""
        low, high = start - self.open_ns, end - self.open_ns
        return (max(low, 0) if self.place > 0 else low), (min(high, -1) if self.place < 0 else high)


@lru_cache(maxsize=32)
def _chunk(day: StoredDay, number: int) -> TickColumns:
    """A version never changes, and the next page begins where the last one ended."""
    return load_chunk(day, number)


@lru_cache(maxsize=1024)
def _spans(day: StoredDay) -> Spans:
    return spans(day)


@lru_cache(maxsize=32)
def _ties(day: StoredDay, number: int) -> Ints:
    """For each row of a chunk how many of the day before it have its very stamp."""
    chunk = _chunk(day, number)
    ties = places(chunk.at)
    if number and len(chunk) and _spans(day).last[number - 1] == chunk.at[0]:
        before = _ties(day, number - 1)
        ties[chunk.at == chunk.at[0]] += before[-1] + 1
    return ties


class Ticks:
    """One kind of them, in one session, up to `as_of` (ns)."""

    def __init__(self, session: Session, as_of: int, kind: str) -> None:
        self.session, self.as_of, self.kind = session, as_of, KINDS[kind]
        self.today = new_york_date(as_of)

    def rows(self, symbols: Sequence[str], first: dt.date, last: dt.date) -> dict[str, list[TickRow]]:
        """Symbol → its days within the dates and not after today, ascending; no event is read."""
        named = as_stored(self.session.dataset_id, symbols)
        asked = {symbol: name for name, symbol in named.items()}
        stored = DayVersion.objects.current().filter(
            dataset_id=self.session.dataset_id,
            kind=self.kind,
            date__range=(first, min(last, self.today)),
            instrument__symbol__in=list(asked),
        )
        chosen: dict[tuple[str, dt.date, str], DayVersion] = {}
        for day in stored.select_related("instrument").order_by("date", "-derived"):
            chosen[day.instrument.symbol, day.date, day.scope] = day  # recorded ones replace those made from bars
        pins = self._pins({date for _, date, _ in chosen})
        found: dict[str, list[TickRow]] = {}
        for (symbol, date, scope), day in chosen.items():
            played = _played(day, pins.get((date, scope), {}))
            if played:
                places = (0,) if scope == Scope.REGULAR else (-1, 1)
                opened = int(played.open_at.timestamp()) * SECOND_NS
                found.setdefault(asked[symbol], []).extend(
                    TickRow(opened, place, stored_day(played)) for place in places
                )
        return {symbol: sorted(rows, key=lambda row: (row.open_ns, row.place)) for symbol, rows in found.items()}

    def _pins(self, dates: Collection[dt.date]) -> Mapping[tuple[dt.date, str], Mapping[str, int | None]]:
        """The versions that this session plays, by date and scope: they hold for it whatever the store gets later."""
        pinned = journal.pinned_by([self.session.pk], list(dates)).get(self.session.pk, {})
        scopes = {str(self.kind): str(Scope.REGULAR), outside(self.kind): str(Scope.EXTENDED)}
        return {(date, scopes[kind]): pins for (date, kind, _), pins in pinned.items() if kind in scopes}

    def read(self, symbol: str, rows: Sequence[TickRow], span: Span) -> Rows:
        """At most `span.most` events of one symbol, from `rows`: its days."""
        stamps: list[int] = []
        events: list[Row] = []
        for row, part, ties in self.parts(rows, span):
            chosen = slice(None, span.most - len(events))
            part = part.take(chosen)
            at = part.at + row.open_ns
            stamps += at.tolist()
            events += tick_wire.rows(part, at, ties[chosen])
            if len(events) >= span.most:
                break
        return Rows(stamps, events)

    def parts(self, rows: Sequence[TickRow], span: Span) -> Iterator[tuple[TickRow, TickColumns, Ints]]:
        """What of the chunks is within the span and as_of, in the asked order; and each row's place at its instant."""
        step = -1 if span.descending else 1
        end = min(span.end, self.as_of)
        for row in rows[::step]:
            low, high = row.within(span.start, end)
            lie = _spans(row.day)
            for number in np.flatnonzero((lie.last >= low) & (lie.first <= high)).tolist()[::step]:
                chunk = _chunk(row.day, number)
                first, last = np.searchsorted(chunk.at, low, "left"), np.searchsorted(chunk.at, high, "right")
                part = slice(int(first), int(last))
                yield row, chunk.take(part).take(slice(None, None, step)), _ties(row.day, number)[part][::step]

    def recent(self, symbols: Sequence[str]) -> dict[str, list[TickRow]]:
        """Symbol → its days of which the latest may be."""
        return self.rows(symbols, self.today - LOOK_BACK, self.today)

    def latest(self, symbols: Sequence[str]) -> dict[str, Row]:
        """Symbol → its last event; symbols without one are absent."""
        span = Span(0, self.as_of, True, 1)
        read = {symbol: self.read(symbol, rows, span).rows for symbol, rows in self.recent(symbols).items()}
        return {symbol: rows[0] for symbol, rows in read.items() if rows}


def _played(day: DayVersion, pins: Mapping[str, int | None]) -> DayVersion | None:
    """The version that the session plays, None where it plays none; the current one of a symbol not in it."""
    pin = pins.get(day.instrument.symbol, day.pk)
    if pin in (None, day.pk):
        return day if pin else None
    return DayVersion.objects.select_related("instrument").get(pk=pin)
