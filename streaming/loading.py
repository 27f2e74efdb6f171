"""From a date to a tape: the day's versions are pinned in the journal, then loaded as columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from marketdata import calendar, store
from marketdata.calendar import TradingDay
from marketdata.errors import NoData
from marketdata.intervals import parse_interval
from marketdata.models import Dataset
from marketdata.providers.fetching import ensure_day
from sessions.models import Session
from streaming import journal as journals
from streaming.journal import Journal, Kind
from streaming.tape import Tape

PREFETCH_BEFORE_CLOSE = dt.timedelta(minutes=30)
"""How long before a day's close the next one is asked for, at the latest."""
MINUTE = 60


@dataclass(frozen=True, slots=True)
class Recipe:
    """What of a session never changes while it runs."""

    session_id: int
    dataset: Dataset
    provider: str
    widths: tuple[int, ...]
    window: tuple[TradingDay, ...]

    @classmethod
    def of(cls, session: Session) -> Recipe:
        widths = tuple(parse_interval(name) for name in session.derive)
        window = tuple(calendar.trading_days(session.start_date, session.end_date))
        return cls(session.pk, session.dataset, session.provider, widths, window)

    def after(self, date: dt.date) -> TradingDay | None:
        """The window's next trading day; None on its last."""
        return next((day for day in self.window if day.date > date), None)


def fetch_missing(recipe: Recipe, symbols: Iterable[str], date: dt.date) -> dict[str, str]:
    """See that the store has the day; returns symbol → reason for those without data. May raise ProviderFailed."""
    reasons: dict[str, str] = {}
    wanted = sorted(symbols)
    for symbol in sorted(set(wanted) - store.have(recipe.dataset.pk, date, wanted)):
        try:
            _fetch(recipe, symbol, date)
        except NoData as error:
            reasons[symbol] = str(error)
    return reasons


def _fetch(recipe: Recipe, symbol: str, date: dt.date) -> None:
    if not recipe.provider:
        days = store.dates_with(recipe.dataset.pk, [symbol])
        held = f"its days are {days[0]} to {days[-1]}" if days else "it has no day of it"
        raise NoData(f"Dataset {recipe.dataset} has no bars of {symbol} on {date} and no provider to ask: {held}.")
    ensure_day(recipe.dataset, recipe.provider, symbol, date)


def pin(recipe: Recipe, date: dt.date, symbols: Iterable[str], epoch: int) -> Journal:
    """Write down which versions of the day this session plays, for the symbols not pinned yet."""
    journal = journals.read(recipe.session_id)
    missing = sorted(set(symbols) - set(journal.pins(date)))
    if not missing:
        return journal
    fetch_missing(recipe, missing, date)
    stored = store.load_day(recipe.dataset.pk, date, missing)
    days = {symbol: stored[symbol].id if symbol in stored else None for symbol in missing}
    payload = {"date": date.isoformat(), "days": days}
    journals.append(recipe.session_id, Kind.LOAD, payload, epoch=epoch)
    return journals.read(recipe.session_id)


def tape_of(recipe: Recipe, journal: Journal, date: dt.date, known_by: dt.datetime | None = None) -> Tape:
    """The pinned day as a tape, with `known_by` without the bars that end later.

    Raises NoData when no symbol has any.
    """
    pins = journal.pins(date)
    held = store.load_versions([pinned for pinned in pins.values() if pinned is not None])
    if not held:
        raise NoData(f"Dataset {recipe.dataset} has no bars of {', '.join(sorted(pins))} on {date}.")
    day = calendar.trading_day(date)
    bars = {symbol: stored.bars for symbol, stored in held.items()}
    if known_by is not None:
        seconds = (known_by - day.open).total_seconds()
        bars = {symbol: columns.take(columns.offset + MINUTE <= seconds) for symbol, columns in bars.items()}
    return Tape(day, bars, recipe.widths, recipe.dataset.synthetic)
