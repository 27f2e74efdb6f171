"""The day so far, for a reader that joins late: what it would hold had it been there since the open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from marketdata.columns import BarColumns
from marketdata.derive import derive
from marketdata.hours import DayPart
from marketdata.intervals import parse_interval
from marketdata.kinds import TICK_KINDS, DayKind
from marketdata.trading_day import TradingDay
from sessions.models import Session
from streaming.as_of.played_days import day_bars
from streaming.as_of.session_data import position_of
from streaming.as_of.trades_quotes import trades_quotes_as_of
from streaming.engine.days.extended_bars import part_of_rows
from streaming.engine.frames.bar_blocks import bar_event, wire_columns
from streaming.engine.frames.frame_id import FrameId, milliseconds, moment, rfc3339
from streaming.engine.records import journal as journals
from streaming.reading.selection import Selection


def snapshot(session: Session, selection: Selection, as_of: FrameId | None = None) -> dict[str, Any]:
    """Selected bars of the day up to a published frame, by default the last committed; derived ones that are over."""
    at = as_of or position_of(session)
    return {
        "type": "snapshot",
        "as_of": str(at) if at else None,
        "clock": rfc3339(at.ms) if at else None,
        "bars": list(_bars(session, selection, at)) if at else [],
        **{
            kind.label: list(_latest(session, selection, at, kind))
            for kind in TICK_KINDS
            if at and kind in session.types
        },
    }


def _latest(session: Session, selection: Selection, at: FrameId, kind: DayKind) -> Iterator[dict[str, Any]]:
    """Each selected symbol's last trade or quote by then: what a reader needs to go on from."""
    symbols = selection.symbols(kind)
    clock = moment(at.ms)
    for symbol in sorted(journals.read(session.pk).active(at.generation, clock + dt.timedelta(milliseconds=1))):
        if symbols is None or symbol in symbols:
            yield from trades_quotes_as_of(session, kind, symbol, limit=1, clock=clock)


def _bars(session: Session, selection: Selection, at: FrameId) -> Iterator[dict[str, Any]]:
    clock = moment(at.ms)
    date = session.calendar.session_date_of(clock)
    journal = journals.read(session.pk)
    # What a frame right after this one would hold: symbols added at this very instant too.
    active = journal.active(at.generation, clock + dt.timedelta(milliseconds=1))
    intervals = [name for name in (session.interval, *session.derive) if selection.symbols(name) != frozenset()]
    symbols = [symbol for symbol in sorted(active) if any(_in(selection, symbol, name) for name in intervals)]
    ((day, held),) = day_bars(session, journal, [date], symbols, at.generation, clock)
    for symbol in symbols:
        if symbol in held:
            for name in intervals:
                if _in(selection, symbol, name):
                    yield from _over(symbol, name, held[symbol], day, at.ms, session.dataset.synthetic)


def _in(selection: Selection, symbol: str, interval: str) -> bool:
    symbols = selection.symbols(interval)
    return symbols is None or symbol in symbols


def _over(
    symbol: str, interval: str, bars: BarColumns, day: TradingDay, clock_ms: int, synthetic: bool
) -> Iterator[dict[str, Any]]:
    """The bars of one interval that are over by then, in wire form."""
    around = {"before": day.minutes_before, "after": day.minutes_after}
    derived = derive(bars, day.minutes, parse_interval(interval), **around, midday=day.midday)
    opened = milliseconds(day.open)
    shown = derived.end_offset * 1000 <= clock_ms - opened
    rows = derived.columns.take(shown)
    values = np.stack([rows.open, rows.high, rows.low, rows.close, rows.volume, rows.trade_count, rows.vwap])
    times = zip(rows.offset.tolist(), derived.end_offset[shown].tolist(), strict=True)
    counts = zip(derived.n_present[shown].tolist(), derived.n_expected[shown].tolist(), strict=True)
    cells = zip(*wire_columns(values), strict=True)
    for (start, end), (present, expected), row in zip(times, counts, cells, strict=True):
        stamps = (_stamp(opened + start * 1000), _stamp(opened + end * 1000))
        event = bar_event(symbol, interval, *stamps, row, present, expected, synthetic)
        part = part_of_rows(start, day)
        yield event if part == DayPart.REGULAR else {**event, "hours": part.value}


_stamp = lru_cache(maxsize=4096)(rfc3339)
