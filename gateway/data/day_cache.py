"""A session's days of minutes as its bots may see them: the session's own versions, cut at its clock."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from gateway.data.journal_cache import JOURNALS
from gateway.data.market_clock import as_of
from gateway.wire.moments import midnight, new_york_date
from gateway.wire.spelling import as_stored
from marketdata import store
from marketdata.actions.adjusting import Adjuster
from marketdata.columns import BarColumns, Floats, Ints
from marketdata.kinds import DayKind, outside
from marketdata.models import DayVersion, DayVersionQuerySet, Scope
from marketdata.units import MINUTE_NS, SECOND_NS
from sessions.models import Session

CACHE_DAYS = 1024
"""Days of one symbol kept in memory, about 25 kB each: a version never changes, and bots ask again and again."""


@dataclass(frozen=True, slots=True)
class DayRow:
    """One stored day of a symbol, regular or extended."""

    id: int
    date: dt.date
    scope: str
    open_ns: int


class DayCache:
    """Columns of day versions, the most recently used of them; one per process."""

    def __init__(self, most: int = CACHE_DAYS) -> None:
        self.most, self.lock = most, threading.Lock()
        self.held: OrderedDict[int, BarColumns] = OrderedDict()

    def columns(self, ids: Sequence[int]) -> dict[int, BarColumns]:
        with self.lock:
            found = {pk: self.held[pk] for pk in ids if pk in self.held}
            for pk in found:
                self.held.move_to_end(pk)
        missing = [pk for pk in ids if pk not in found]
        if missing:
            loaded = {day.id: day.bars for day in store.load_rows(missing)}
            with self.lock:
                self.held |= loaded
                while len(self.held) > self.most:
                    self.held.popitem(last=False)
            found |= loaded
        return found


CACHE = DayCache()


@dataclass(frozen=True, slots=True, eq=False)
class Minutes:
    """Minutes up to the clock of one symbol in time order.

    `bars.offset` counts seconds from New York's midnight; what the source lacks is filled as `filled` says.
    """

    bars: BarColumns
    midnight: Ints
    """The midnight of each row's date, in nanoseconds."""
    regular: NDArray[np.bool_]

    @property
    def stamps(self) -> Ints:
        return self.midnight + self.bars.offset * SECOND_NS

    def take(self, index: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Minutes:
        return Minutes(self.bars.take(index), self.midnight[index], self.regular[index])


def days_of(session: Session) -> Days:
    """By its clock."""
    return Days(session, as_of(session))


class Days:
    """The session's dataset up to `as_of` (ns): what any request of a bot is answered from."""

    def __init__(self, session: Session, as_of: int) -> None:
        self.session, self.as_of = session, as_of
        self.clock = dt.datetime.fromtimestamp(as_of // SECOND_NS, dt.UTC)
        self.today = new_york_date(as_of)

    def rows(self, symbols: Sequence[str], first: dt.date, last: dt.date) -> dict[str, list[DayRow]]:
        """Symbol → its days within the dates and not after today, ascending; no columns are read."""
        named = as_stored(self.session.dataset_id, symbols)
        asked = {symbol: name for name, symbol in named.items()}
        stored = self._stored().filter(
            dataset_id=self.session.dataset_id,
            date__range=(first, min(last, self.today)),
            instrument__symbol__in=list(asked),
        )
        values = stored.values_list("instrument__symbol", "date", "scope", "id", "open_at").order_by("date", "version")
        chosen = {(symbol, date, scope): (pk, opened) for symbol, date, scope, pk, opened in values}
        pins = self._pins({date for _, date, _ in chosen})
        found: dict[str, list[DayRow]] = {}
        for (symbol, date, scope), (pk, opened) in chosen.items():
            played = pins.get((date, scope), {}).get(symbol, pk)
            if played is not None:
                row = DayRow(played, date, scope, int(opened.timestamp()) * SECOND_NS)
                found.setdefault(asked[symbol], []).append(row)
        return found

    def _stored(self) -> DayVersionQuerySet:
        """The newest versions; in a session of what was known, those that the market knew by its clock."""
        if not self.session.as_known:
            return DayVersion.objects.current().minutes()
        return DayVersion.objects.minutes().filter(Q(version=1) | Q(known_at__lte=self.clock))

    def _pins(self, dates: Collection[dt.date]) -> Mapping[tuple[dt.date, str], Mapping[str, int | None]]:
        """The versions that this session plays, by date and scope: they hold for it whatever the store gets later."""
        played, generation = JOURNALS.read(self.session.pk, dates), self.session.run.generation
        pinned = {date for date, _, _ in played.pinned}.intersection(dates)
        regular = {(date, str(Scope.REGULAR)): played.in_effect(date, generation, self.clock) for date in pinned}
        extended = {(date, str(Scope.EXTENDED)): played.pins(date, outside(DayKind.BARS)) for date in pinned}
        return regular | extended

    def minutes(self, rows: Sequence[DayRow], adjuster: Adjuster | None = None) -> Minutes:
        """The minutes up to the clock of these days of one symbol, earliest first."""
        held = CACHE.columns([row.id for row in rows])
        parts = [
            self._visible(row, adjuster.at(row.date).of(held[row.id]) if adjuster else held[row.id]) for row in rows
        ]
        return _joined(parts) if parts else _joined([_none()])

    def _visible(self, row: DayRow, bars: BarColumns) -> Minutes:
        start = midnight(row.date)
        bars = replace(bars, offset=bars.offset + (row.open_ns - start) // SECOND_NS)
        if row.date >= self.today:
            bars = bars.take(start + bars.offset * SECOND_NS + MINUTE_NS <= self.as_of)
        size = len(bars)
        return Minutes(filled(bars), np.full(size, start), np.full(size, row.scope == Scope.REGULAR))


def filled(bars: BarColumns) -> BarColumns:
    """Numbers where the wire demands them and the source has none.

    Volume and trade count become 0; vwap becomes the typical price, (high + low + close) / 3.
    """
    return replace(
        bars,
        volume=np.nan_to_num(bars.volume),
        trade_count=np.nan_to_num(bars.trade_count),
        vwap=or_typical(bars.vwap, bars),
    )


def or_typical(vwap: Floats, bars: BarColumns) -> Floats:
    typical: Floats = np.round((bars.high + bars.low + bars.close) / 3, 6)
    return np.where(np.isnan(vwap), typical, vwap)


def _none() -> Minutes:
    no_floats = np.empty(0, np.float64)
    no_ints = np.empty(0, np.int64)
    return Minutes(BarColumns(no_ints, *[no_floats] * 7), no_ints, np.empty(0, dtype=bool))


def _joined(parts: Sequence[Minutes]) -> Minutes:
    names = [field.name for field in fields(BarColumns)]
    columns = (np.concatenate([getattr(part.bars, name) for part in parts]) for name in names)
    whole = Minutes(
        BarColumns(*columns),
        np.concatenate([part.midnight for part in parts]),
        np.concatenate([part.regular for part in parts]),
    )
    return whole.take(np.argsort(whole.stamps, kind="stable"))


def newest(rows: Iterable[DayRow], count: int) -> list[DayRow]:
    """The days of the last `count` dates."""
    listed = list(rows)
    dates = sorted({row.date for row in listed})[-count:]
    return [row for row in listed if row.date in dates]
