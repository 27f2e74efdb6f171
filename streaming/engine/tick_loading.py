"""From a date to reels: which days of trades and quotes a session plays, and their chunks as they are played."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from marketdata import calendar
from marketdata.errors import NoData
from marketdata.ticks.columns import TickKind
from marketdata.ticks.fetching import ensure_ticks
from marketdata.ticks.store import dates_with_ticks, find_ticks, find_versions
from streaming.engine.journal import Journal
from streaming.engine.reels import Reel, stored_reel

if TYPE_CHECKING:
    from streaming.engine.loading import Recipe

Pins = Mapping[str, int | None]


def tick_kinds(recipe: Recipe) -> list[TickKind]:
    return [kind for kind in TickKind if kind in recipe.types]


def fetch_missing_ticks(recipe: Recipe, kind: TickKind, symbols: Iterable[str], date: dt.date) -> dict[str, str]:
    """See that the store has them; returns symbol → reason for those without. May raise ProviderFailed."""
    reasons: dict[str, str] = {}
    wanted = sorted(symbols)
    for symbol in sorted(set(wanted) - set(find_ticks(recipe.dataset.pk, kind, date, wanted))):
        try:
            _fetch(recipe, kind, symbol, date)
        except NoData as error:
            reasons[symbol] = str(error)
    return reasons


def _fetch(recipe: Recipe, kind: TickKind, symbol: str, date: dt.date) -> None:
    if not recipe.provider:
        days = dates_with_ticks(recipe.dataset.pk, kind, [symbol])
        held = f"its days are {days[0]} to {days[-1]}" if days else "it has no day of them"
        raise NoData(
            f"Dataset {recipe.dataset} has no {kind.label} of {symbol} on {date} and no provider to ask: {held}."
        )
    ensure_ticks(recipe.dataset, recipe.provider, kind, symbol, date)


def pin_ticks(recipe: Recipe, date: dt.date, symbols: list[str]) -> dict[str, dict[str, int | None]]:
    """Kind → symbol → the day to play, None where there is none."""
    pins: dict[str, dict[str, int | None]] = {}
    for kind in tick_kinds(recipe):
        fetch_missing_ticks(recipe, kind, symbols, date)
        found = find_ticks(recipe.dataset.pk, kind, date, symbols)
        pins[kind] = {symbol: found[symbol].id if symbol in found else None for symbol in symbols}
    return pins


def reels_of(recipe: Recipe, journal: Journal, date: dt.date, known_by: dt.datetime | None = None) -> list[Reel]:
    """The pinned trades and quotes; with `known_by` without what happened later."""
    ids = [pin for kind in tick_kinds(recipe) for pin in journal.tick_pins(date, kind).values() if pin is not None]
    until = None if known_by is None else _nanoseconds(known_by - calendar.trading_day(date).open)
    return [stored_reel(day, recipe.step_ms, until) for day in find_versions(ids)]


def _nanoseconds(span: dt.timedelta) -> int:
    return span // dt.timedelta(microseconds=1) * 1000
