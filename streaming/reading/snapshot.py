"""The day so far, for a reader that joins late: what it would hold had it been there since the open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from marketdata import calendar, store
from marketdata.calendar import TradingDay
from marketdata.columns import BarColumns
from marketdata.derive import derive
from marketdata.intervals import parse_interval
from marketdata.ticks.columns import TickKind
from sessions.models import Session
from streaming.engine import journal as journals
from streaming.engine.frames import FrameId, bar_event, milliseconds, moment, rfc3339, wire_columns
from streaming.reading.wanted import Wanted
from streaming.visible.session_data import position_of
from streaming.visible.ticks import visible_ticks


def snapshot(session: Session, wanted: Wanted, as_of: FrameId | None = None) -> dict[str, Any]:
    """Wanted bars of the day up to a published frame, by default the last committed; derived ones that are over."""
    at = as_of or position_of(session)
    return {
        "type": "snapshot",
        "as_of": str(at) if at else None,
        "clock": rfc3339(at.ms) if at else None,
        "bars": list(_bars(session, wanted, at)) if at else [],
        **{kind.label: list(_latest(session, wanted, at, kind)) for kind in TickKind if at and kind in session.types},
    }


def _latest(session: Session, wanted: Wanted, at: FrameId, kind: TickKind) -> Iterator[dict[str, Any]]:
    """Each wanted symbol's last trade or quote by then: what a reader needs to go on from."""
    symbols = wanted.symbols(kind)
    clock = moment(at.ms)
    for symbol in sorted(journals.read(session.pk).active(at.generation, clock + dt.timedelta(milliseconds=1))):
        if symbols is None or symbol in symbols:
            yield from visible_ticks(session, kind, symbol, limit=1, clock=clock)


def _bars(session: Session, wanted: Wanted, at: FrameId) -> Iterator[dict[str, Any]]:
    clock = moment(at.ms)
    day = calendar.trading_day(calendar.session_date_of(clock))
    journal = journals.read(session.pk)
    # What a frame right after this one would hold: symbols added at this very instant too.
    active = journal.active(at.generation, clock + dt.timedelta(milliseconds=1))
    intervals = [name for name in (session.interval, *session.derive) if wanted.symbols(name) != frozenset()]
    symbols = [symbol for symbol in sorted(active) if any(_in(wanted, symbol, name) for name in intervals)]
    pins = journal.in_effect(day.date, at.generation, clock)
    held = store.load_versions([row for symbol in symbols if (row := pins.get(symbol)) is not None])
    for symbol in symbols:
        if symbol in held:
            for name in intervals:
                if _in(wanted, symbol, name):
                    yield from _visible(symbol, name, held[symbol].bars, day, at.ms, session.dataset.synthetic)


def _in(wanted: Wanted, symbol: str, interval: str) -> bool:
    symbols = wanted.symbols(interval)
    return symbols is None or symbol in symbols


def _visible(
    symbol: str, interval: str, bars: BarColumns, day: TradingDay, clock_ms: int, synthetic: bool
) -> Iterator[dict[str, Any]]:
    """The bars of one interval that are over by then, in wire form."""
    derived = derive(bars, day.minutes, parse_interval(interval))
    opened = milliseconds(day.open)
    shown = derived.end_offset * 1000 <= clock_ms - opened
    rows = derived.columns.take(shown)
    values = np.stack([rows.open, rows.high, rows.low, rows.close, rows.volume, rows.trade_count, rows.vwap])
    times = zip(rows.offset.tolist(), derived.end_offset[shown].tolist(), strict=True)
    counts = zip(derived.n_present[shown].tolist(), derived.n_expected[shown].tolist(), strict=True)
    cells = zip(*wire_columns(values), strict=True)
    for (start, end), (present, expected), row in zip(times, counts, cells, strict=True):
        stamps = (_stamp(opened + start * 1000), _stamp(opened + end * 1000))
        yield bar_event(symbol, interval, *stamps, row, present, expected, synthetic)


_stamp = lru_cache(maxsize=4096)(rfc3339)
