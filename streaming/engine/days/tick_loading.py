"""From a date to chunk cursors: the days of trades and quotes that a session plays, read chunk by chunk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from marketdata.errors import NoData
from marketdata.kinds import TICK_KINDS, DayKind, outside
from marketdata.models import Scope
from marketdata.providers.tick_fetching import ensure_ticks
from marketdata.store import StoredDay, dates_with, find_days, find_versions
from marketdata.units import MILLISECOND_NS
from streaming.engine.days.recipe import Recipe
from streaming.engine.records.journal import Journal
from streaming.engine.tape.chunk_cursor import ChunkCursor, stored_chunk_cursor

Pins = Mapping[str, int | None]


def tick_kinds(recipe: Recipe) -> list[DayKind]:
    return [kind for kind in TICK_KINDS if kind in recipe.types]


def fetch_missing_ticks(recipe: Recipe, kind: DayKind, symbols: Iterable[str], date: dt.date) -> dict[str, str]:
    """See that the store has them; returns symbol → reason for those without. May raise ProviderFailed."""
    reasons: dict[str, str] = {}
    wanted = sorted(symbols)
    for symbol in sorted(set(wanted) - set(find_days(recipe.dataset.pk, kind, date, wanted))):
        try:
            _fetch(recipe, kind, symbol, date)
        except NoData as error:
            reasons[symbol] = str(error)
    return reasons


def _fetch(recipe: Recipe, kind: DayKind, symbol: str, date: dt.date) -> None:
    if not recipe.provider:
        days = dates_with(recipe.dataset.pk, [symbol], kind=kind)
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
        found = find_days(recipe.dataset.pk, kind, date, symbols)
        pins[kind] = {symbol: found[symbol].id if symbol in found else None for symbol in symbols}
        if recipe.extended:
            around = find_days(recipe.dataset.pk, kind, date, symbols, scope=Scope.EXTENDED)
            pins[outside(kind)] = {symbol: day.id for symbol, day in around.items()}
    return pins


def chunk_cursors_of(
    recipe: Recipe, journal: Journal, date: dt.date, known_by: dt.datetime | None = None
) -> list[ChunkCursor]:
    """The pinned trades and quotes; with `known_by` without what happened later."""
    day = recipe.calendar.trading_day(date)
    until = None if known_by is None else _nanoseconds(known_by - day.open)
    found = [
        stored_chunk_cursor(each, recipe.step_ms, until, follows=day.follows) for each in _pinned(recipe, journal, date)
    ]
    if recipe.extended:
        bounds = (day.begin - day.open, day.end - day.open)
        first, last = (_nanoseconds(bound) // (recipe.step_ms * MILLISECOND_NS) for bound in bounds)
        around = _pinned(recipe, journal, date, extended=True)
        found += [stored_chunk_cursor(each, recipe.step_ms, until, (first, last)) for each in around]
    return found


def _pinned(recipe: Recipe, journal: Journal, date: dt.date, *, extended: bool = False) -> list[StoredDay]:
    kinds = [outside(kind) if extended else kind for kind in tick_kinds(recipe)]
    return find_versions([pin for kind in kinds for pin in journal.pins(date, kind).values() if pin is not None])


def _nanoseconds(span: dt.timedelta) -> int:
    return span // dt.timedelta(microseconds=1) * 1000
