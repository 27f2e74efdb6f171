"""From a date to a tape: the day's versions are pinned in the journal, then loaded as columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from django.db import transaction

from marketdata import store
from marketdata.calendar import TradingDay
from marketdata.columns import BarColumns
from marketdata.errors import NoData
from marketdata.kinds import DayKind, outside
from marketdata.models import Scope
from marketdata.providers.fetching import ensure_symbols
from marketdata.store import LoadedDay
from marketdata.store.known_versions import known_versions
from sessions.models import StreamType
from streaming.base.stream_types import in_words
from streaming.engine.days.extended_bars import outer_bars, played_bars, with_outer
from streaming.engine.days.recipe import Recipe
from streaming.engine.days.tick_loading import chunk_cursors_of, fetch_missing_ticks, pin_ticks, tick_kinds
from streaming.engine.records import journal as journals
from streaming.engine.records import journal_writing
from streaming.engine.records.journal import Journal, Kind
from streaming.engine.tape.corrections import Correction, from_the_start
from streaming.engine.tape.merge import Tape

PREFETCH_BEFORE_CLOSE = dt.timedelta(minutes=30)
"""How long before a day's close the next one is asked for, at the latest."""
MINUTE = 60
Pins = dict[str, int | None]


def fetch_missing(recipe: Recipe, symbols: Iterable[str], date: dt.date) -> dict[str, str]:
    """See that the store has the day's bars; returns symbol → reason for those without. May raise ProviderFailed."""
    reasons: dict[str, str] = {}
    if StreamType.BARS not in recipe.types:
        return reasons
    wanted = sorted(symbols)
    lacking = sorted(set(wanted) - store.have(recipe.dataset.pk, date, wanted))
    if not recipe.provider:
        return {symbol: _nobody_to_ask(recipe, symbol, date) for symbol in lacking}
    for symbol, problem in ensure_symbols(recipe.dataset, recipe.provider, lacking, date).items():
        if not isinstance(problem, NoData):
            raise problem
        reasons[symbol] = str(problem)
    return reasons


def fetch_each(recipe: Recipe, symbols: Iterable[str], date: dt.date) -> dict[str, str]:
    """Likewise, but what fails for one symbol, or for those asked about with it, is a reason and not an end."""
    lacking = sorted(symbols)
    if not recipe.provider:
        return {symbol: _nobody_to_ask(recipe, symbol, date) for symbol in lacking}
    problems = ensure_symbols(recipe.dataset, recipe.provider, lacking, date, go_on=True)
    return {symbol: str(problem) for symbol, problem in problems.items()}


def fetch_all_missing(recipe: Recipe, symbols: Iterable[str], date: dt.date) -> dict[str, str]:
    """Likewise for every type of the session; trades and quotes without data are named as `IBM quotes`."""
    wanted = list(symbols)
    reasons = fetch_missing(recipe, wanted, date)
    for kind in tick_kinds(recipe):
        lacking = fetch_missing_ticks(recipe, kind, wanted, date)
        reasons |= {f"{symbol} {kind}": reason for symbol, reason in lacking.items()}
    return reasons


def _nobody_to_ask(recipe: Recipe, symbol: str, date: dt.date) -> str:
    days = store.dates_with(recipe.dataset.pk, [symbol])
    held = f"its days are {days[0]} to {days[-1]}" if days else "it has no day of it"
    return f"Dataset {recipe.dataset} has no bars of {symbol} on {date} and no provider to ask: {held}."


def pin(recipe: Recipe, journal: Journal, date: dt.date, symbols: Iterable[str], epoch: int) -> Journal:
    """Write down which versions of the day this session plays, for the symbols not pinned yet.

    `journal`, as just read for that date, and what is returned are without other days' loads.
    """
    missing = sorted(set(symbols) - set(journal.pins(date)))
    if not missing:
        return journal
    newest = _newest(recipe, date, missing)
    known = recipe.as_known and StreamType.BARS in recipe.types
    during = _pins_as_known(recipe, date, missing) if known else []
    days = dict(during[0][1]) if known else newest
    pins: dict[str, Mapping[str, int | None]] = {DayKind.BARS: days, **pin_ticks(recipe, date, missing)}
    if recipe.extended and StreamType.BARS in recipe.types:
        pins[outside(DayKind.BARS)] = _pins_outside(recipe, date, missing)
    if not during[1:]:
        written = journal_writing.append_loads(recipe.session_id, {date: pins}, epoch=epoch)
        return journal.loaded(written[date], date, pins)
    with transaction.atomic():
        journal_writing.append_loads(recipe.session_id, {date: pins}, epoch=epoch)
        for since, later in during[1:]:
            admitted = {"date": date.isoformat(), "generation": 0, "known": True}
            corrected: dict[str, Pins] = {DayKind.BARS: later}
            journal_writing.append(recipe.session_id, Kind.ADMIT, admitted, clock=since, epoch=epoch, pins=corrected)
    return journals.read(recipe.session_id, date)


def _newest(recipe: Recipe, date: dt.date, symbols: Sequence[str]) -> Pins:
    """The current versions; of what the store lacks, once the provider has been asked."""
    if StreamType.BARS not in recipe.types:
        return dict.fromkeys(symbols)
    rows = store.current_rows(recipe.dataset.pk, date, symbols)
    if lacking := [symbol for symbol in symbols if symbol not in rows]:
        fetch_missing(recipe, lacking, date)
        rows |= store.current_rows(recipe.dataset.pk, date, lacking)
    return {symbol: rows.get(symbol) for symbol in symbols}


def _pins_outside(recipe: Recipe, date: dt.date, symbols: Sequence[str]) -> Pins:
    """The bars before the open and after the close, where there are any: newest, or as known when the day begins."""
    if recipe.as_known:
        known = known_versions(recipe.dataset.pk, recipe.calendar.trading_day(date), symbols, Scope.EXTENDED)
        return {symbol: known[symbol].at_open for symbol in symbols if symbol in known}
    return dict(store.current_rows(recipe.dataset.pk, date, symbols, Scope.EXTENDED))


def _pins_as_known(recipe: Recipe, date: dt.date, symbols: Sequence[str]) -> list[tuple[dt.datetime | None, Pins]]:
    """The versions known at the open, then those that became known during the day, each with its time."""
    known = known_versions(recipe.dataset.pk, recipe.calendar.trading_day(date), symbols)
    at_open: Pins = {symbol: known[symbol].at_open if symbol in known else None for symbol in symbols}
    found: list[tuple[dt.datetime | None, Pins]] = [(None, at_open)]
    for symbol, versions in known.items():
        found += [(since, {symbol: row}) for since, row in versions.during]
    return found


def tape_of(
    recipe: Recipe,
    journal: Journal,
    date: dt.date,
    known_by: dt.datetime | None = None,
    *,
    generation: int,
    read: Iterable[LoadedDay] = (),
) -> Tape:
    """The day as that generation plays it, with `known_by` without what became known later.

    `read`: what of it was read from the store already. Raises NoData when no symbol has any.
    """
    day = recipe.calendar.trading_day(date)
    pins, admitted = journal.pins(date), journal.admitted(date, generation)
    around = journal.pins(date, outside(DayKind.BARS)) if recipe.extended else {}
    selected = [pins, around, *(days for _, days in admitted)]
    held = {stored.id: stored for stored in read}
    lacking = [row for days in selected for row in days.values() if row is not None and row not in held]
    held |= {stored.id: stored for stored in store.load_rows(lacking)} if lacking else {}
    outer = outer_bars(day, around, held)
    bars = played_bars(pins, outer, held)
    chunk_cursors = chunk_cursors_of(recipe, journal, date, known_by)
    if not bars and not chunk_cursors:
        what = in_words(recipe.types)
        raise NoData(f"Dataset {recipe.dataset} has no {what} of {', '.join(sorted(pins))} on {date}.")
    corrections = [_correction(day, since, days, held, outer) for since, days in admitted]
    if known_by is not None:
        seconds = (known_by - day.open).total_seconds()
        bars = _cut(bars, seconds)
        corrections = [replace(each, bars=_cut(each.bars, seconds)) for each in corrections]
    return Tape(day, bars, recipe.widths, recipe.dataset.synthetic, chunk_cursors, recipe.step_ms, corrections)


def _correction(
    day: TradingDay,
    since: dt.datetime | None,
    days: Mapping[str, int],
    held: Mapping[int, LoadedDay],
    outer: Mapping[str, BarColumns],
) -> Correction:
    """In effect from the first whole minute later than `since`."""
    start = from_the_start(day)
    after = int((since - day.open).total_seconds() // MINUTE) if since else start
    bars = {symbol: with_outer(held[row].bars, outer.get(symbol)) for symbol, row in days.items()}
    return Correction(max(after, start), bars, {symbol: held[row].version for symbol, row in days.items()})


def _cut(bars: Mapping[str, BarColumns], seconds: float) -> dict[str, BarColumns]:
    return {symbol: columns.take(columns.offset + MINUTE <= seconds) for symbol, columns in bars.items()}
