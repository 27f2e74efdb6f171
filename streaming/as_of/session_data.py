"""`SessionData`: a session as its readers may see it, anywhere - never later than its clock."""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from typing import Any

import numpy as np

from marketdata import store
from marketdata.columns import BarColumns
from marketdata.columns.bar_columns import BAR_VALUES
from marketdata.derive import derive
from marketdata.intervals import parse_interval
from marketdata.trading_day import TradingDay
from sessions.models import ActiveStream, Session, StreamType
from streaming.as_of.played_days import day_bars
from streaming.engine.days.extended_bars import part_of_rows
from streaming.engine.frames.bar_blocks import BarBlock
from streaming.engine.frames.frame_id import FrameId, milliseconds
from streaming.engine.records import journal


class SymbolUnknown(LookupError):
    """The session has no such symbol."""


def clock_of(session: Session) -> dt.datetime | None:
    """The last committed frame's clock; None before the first."""
    return session.run.clock


def position_of(session: Session) -> FrameId | None:
    """The cursor after which what comes is new: the last committed frame's, or the clock that a seek has set."""
    if session.run.frame_id:
        return FrameId.parse(f"{session.run.generation}.{session.run.frame_id}")
    return FrameId(session.run.generation, milliseconds(session.run.clock), 0) if session.run.clock else None


class SymbolData:
    """One symbol's current day, cut at the clock."""

    def __init__(self, session: Session, symbol: str, held: BarColumns | None) -> None:
        self.session, self.symbol, self.columns = session, symbol, held

    @cached_property
    def bars_1m(self) -> list[dict[str, Any]]:
        """The one-minute bars up to the clock, in wire form."""
        return self.bars("1m")

    @property
    def held(self) -> int:
        """Bars that the session holds of the day, later ones too."""
        return 0 if self.columns is None else len(self.columns)

    def has_data_for_date(self, date: dt.date) -> bool:
        return bool(store.have(self.session.dataset_id, date, [self.symbol]))

    def bars(self, interval: str) -> list[dict[str, Any]]:
        """Bars up to the clock of an interval, derived ones only once they are over."""
        clock = self.session.run.clock
        if self.columns is None or clock is None:
            return []
        days = self.session.calendar
        day = days.trading_day(days.session_date_of(clock))
        width = parse_interval(interval)
        derived = derive(
            self.columns, day.minutes, width, before=day.minutes_before, after=day.minutes_after, midday=day.midday
        )
        end_ms = milliseconds(day.open) + derived.end_offset * 1000
        shown = np.flatnonzero(end_ms <= milliseconds(clock))
        return [self._event(day, derived.columns, int(i), width, int(end_ms[i]), derived) for i in shown]

    def _event(
        self, day: TradingDay, columns: BarColumns, i: int, width: int, end_ms: int, derived: Any
    ) -> dict[str, Any]:
        values = np.array([[getattr(columns, name)[i]] for name in BAR_VALUES])
        block = BarBlock(
            width,
            milliseconds(day.open) + int(columns.offset[i]) * 1000,
            end_ms,
            int(derived.n_expected[i]),
            self.session.dataset.synthetic,
            (self.symbol,),
            values,
            derived.n_present[i : i + 1].astype(np.uint16),
            part_of_rows(int(columns.offset[i]), day),
        )
        return next(block.events())


class SessionData:
    """The specification's `session_data`: what is registered, what is active, what can be seen."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def session_date(self) -> dt.date:
        clock = self.session.run.clock
        return self.session.calendar.session_date_of(clock) if clock else self.session.start_date

    @property
    def session_active(self) -> bool:
        return self.session.is_live

    def register_symbol(self, symbol: str) -> None:
        """Give the symbol its stream's row, not yet active. Idempotent."""
        instrument = store.ensure_instruments([symbol])[symbol]
        ActiveStream.objects.get_or_create(
            session=self.session,
            instrument_id=instrument,
            stream_type=StreamType.BARS,
            defaults={"active": False},
        )

    def is_stream_active(self, symbol: str, stream_type: str = StreamType.BARS) -> bool:
        return bool(self._streams(symbol, stream_type).filter(active=True).exists())

    def mark_stream_active(self, symbol: str, stream_type: str = StreamType.BARS) -> None:
        self._streams(symbol, stream_type).update(active=True)

    def mark_stream_inactive(self, symbol: str, stream_type: str = StreamType.BARS) -> None:
        self._streams(symbol, stream_type).update(active=False)

    def get_active_symbols(self) -> list[str]:
        return self.session.active_symbols()

    def get_symbol_data(self, symbol: str) -> SymbolData:
        """Raises SymbolUnknown, naming the symbols that there are."""
        return SymbolData(self.session, symbol, self._held([symbol]).get(symbol))

    def bars(self, symbol: str, interval: str = "1m", limit: int | None = None) -> list[dict[str, Any]]:
        """Bars up to the clock of the current day, oldest first; the newest `limit` of them."""
        found = self.get_symbol_data(symbol).bars(interval)
        return found if limit is None else found[max(0, len(found) - limit) :]

    def _held(self, symbols: list[str]) -> dict[str, BarColumns]:
        entries = journal.read(self.session.pk, self.session_date)
        unknown = sorted(set(symbols) - entries.known())
        if unknown:
            known = ", ".join(sorted(entries.known())) or "none yet"
            raise SymbolUnknown(f"Session {self.session.pk} has no {', '.join(unknown)}: it has {known}.")
        ((_, held),) = day_bars(self.session, entries, [self.session_date], symbols)
        return held

    def _streams(self, symbol: str, stream_type: str) -> Any:
        return self.session.streams.filter(instrument__symbol=symbol, stream_type=stream_type)


def get_session_data(session: Session | int) -> SessionData:
    if isinstance(session, int):
        session = Session.objects.with_run().get(pk=session)
    return SessionData(session)
