"""A file of bars as one table of canonical columns, whatever form it came in, with what was decided about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from marketdata.columns import Floats, Ints
from marketdata.columns.bar_columns import BAR_VALUES
from marketdata.exchange_calendar import NEW_YORK_STOCKS, calendar_of
from marketdata.importing.base.decision import Decision, Fact
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.numbers import decimal_mark, numbers
from marketdata.importing.base.refusals import Doubt
from marketdata.importing.base.sheets import OfSheet, Sheet
from marketdata.importing.base.spellings import PRICES, SPELLINGS, fold, map_columns
from marketdata.importing.dialects.table import BY_PLACE
from marketdata.importing.files.sources import Source, open_source
from marketdata.importing.guards.edges import edges_of
from marketdata.importing.guards.misreadings import (
    decide_label,
    refuse_loose_word,
    refuse_midnight,
    refuse_misplaced,
    refuse_scale,
    refuse_shifted,
    refuse_ten_thousandths,
)
from marketdata.importing.guards.odd_values import is_no_count, refuse_sums, refuse_swapped, vwap_note
from marketdata.importing.guards.placement import misplaced
from marketdata.importing.stamps.stamp_columns import COUNTED, Moments, of_a_servers_clock, stamps, zone_note
from marketdata.importing.stamps.time_columns import date_beside, time_column, zoned_time
from marketdata.importing.tables.clock_parts import joined
from marketdata.importing.tables.identity import with_symbol
from marketdata.importing.tables.symbol_column import symbols_of
from marketdata.importing.tables.wide import is_wide, to_long, wide_cells
from marketdata.importing.tables.widths import refuse_stated
from marketdata.kinds import DayKind
from marketdata.units import SECOND_NS

AT = {name: place for place, name in enumerate(BAR_VALUES)}
NEEDLESS = ("trade_count", "vwap")
"""A column of these that has no number, or not its own, is not used."""
SCALED = [i for i, name in enumerate(BAR_VALUES) if name not in ("volume", "trade_count")]
UNREADABLE = np.iinfo(np.int64).min // SECOND_NS


@dataclass(frozen=True, slots=True, eq=False)
class Table(OfSheet):
    """A file's rows in the file's order.

    `symbol`: index into `names`, "" where the row has none. `stamp`: bar start, UTC seconds since the epoch;
    UNREADABLE where it could not be read. `values`: float64, shape (7, n), NaN absent. `garbled`: an
    optional value is there and is no number. `sheet` keeps the rows as they stand in the file.
    """

    path: Path
    names: list[str]
    symbol: Ints
    stamp: Ints
    sub_second: np.ndarray
    values: Floats
    garbled: np.ndarray
    sheet: Sheet = field(repr=False)
    decision: Decision = field(repr=False)
    exchange: str = NEW_YORK_STOCKS

    def __len__(self) -> int:
        return len(self.stamp)


ExchangeOf = Callable[[Sequence[str], str], str]
"""The calendar of these symbols where that one was asked for. Raises MarketDataError."""


def as_asked(symbols: Sequence[str], asked: str) -> str:
    """For readers that do not know what the store has."""
    return asked or NEW_YORK_STOCKS


def read(path: Path, form: FileForm, exchange_of: ExchangeOf = as_asked) -> Table:
    """Raises UnreadableFile, naming the file and what to pass; NotBars where the file holds something else."""
    return bar_table(open_source(path, form, (DayKind.BARS,)), form, exchange_of)


def bar_table(source: Source, form: FileForm, exchange_of: ExchangeOf = as_asked) -> Table:
    """Raises what `read` does."""
    source = _long(replace(source, sheet=joined(source.sheet)), form)
    sheet, path = source.sheet, source.path
    mapped = mapped_columns(source, DayKind.BARS, form)
    refuse_stated(sheet, path)
    names, symbol, symbol_fact = symbols_of(path, sheet, mapped, form)
    exchange = exchange_of(names, form.exchange)
    moments = stamps(sheet.frame, mapped, form, source.dialect, path)
    unused = unused_columns(sheet, mapped)
    form = replace(form, exchange=exchange)
    values, garbled, scale = _values(source, mapped, form)
    rows = Rows(symbol, values[AT["volume"]], names, unused)
    moments, seconds, label = _placed(source, moments, rows, form)
    refuse_sums(rows.volume, seconds, symbol, form, path)
    if source.dialect.name == BY_PLACE.name:
        refuse_swapped(values, seconds, symbol, form, path)
        if "trade_count" not in form.columns and is_no_count(values):
            values[AT["trade_count"]] = np.nan
    sheet = sheet.noted(zone_note(moments, form), vwap_note(values, mapped.get("vwap", "")))
    unused += tuple(mapped.pop(name) for name in NEEDLESS if name in mapped and np.isnan(values[AT[name]]).all())
    decision = Decision(
        str(path), DayKind.BARS, Fact(source.dialect.name, source.dialect.sign), symbol_fact, moments.zone, label,
        moments.units, scale, mapped, unused, sheet.notes,
    )  # fmt: skip
    sub_second = moments.at % SECOND_NS != 0
    return Table(path, names, symbol, seconds, sub_second, values, garbled, sheet, decision, exchange)


def _long(source: Source, form: FileForm) -> Source:
    names = [str(name) for name in source.sheet.frame.columns]
    cells = source.sheet.cells or wide_cells(names)
    if form.columns or not is_wide(names, cells):
        return source
    return replace(source, sheet=to_long(source.sheet, cells, source.path))


def mapped_columns(source: Source, kind: str, form: FileForm) -> dict[str, str]:
    """Our name → the file's: what the person says, then the dialect, then the common spellings."""
    names = [str(name) for name in source.sheet.frame.columns]
    folded = {fold(name): name for name in reversed(names)}
    known = {
        ours: folded[theirs]
        for ours, theirs in source.dialect.columns.items()
        if theirs in folded and ours in (*SPELLINGS[kind], "date")
    }
    if {"T", "t"} <= set(names):  # Polygon's grouped bars: the ticker, and the time
        known |= {"time": "t", "symbol": "T"}
    if "time" not in form.columns and not folded.keys() & set(SPELLINGS[kind]["time"]) and (time := time_column(names)):
        known.setdefault("time", time)
    elif "time" not in form.columns and not folded.keys() & (set(SPELLINGS[kind]["time"]) - {"date"}):
        known |= {"time": time} if (time := zoned_time(names)) else {}
    found = map_columns(kind, names, {**known, **form.columns}, source.path)
    if "date" not in found and (date := date_beside(source.sheet.frame, found["time"])):
        found["date"] = date
    return with_symbol(source.sheet.frame, found, form, source.path)


def unused_columns(sheet: Sheet, mapped: Mapping[str, str]) -> tuple[str, ...]:
    """Columns that nothing was taken from, in the file's order."""
    taken = {*mapped.values(), *sheet.used}
    return (*(str(name) for name in sheet.frame.columns if str(name) not in taken), *sheet.left_out)


class Rows(NamedTuple):
    """What is known of the rows when their stamps are placed."""

    symbol: Ints
    volume: Floats
    names: list[str]
    unused: tuple[str, ...]


def _placed(source: Source, moments: Moments, rows: Rows, form: FileForm) -> tuple[Moments, Ints, Fact]:
    """The stamps, each bar's start in seconds, and the label that they have."""
    try:
        return moments, *_starts(source, moments, rows, form)
    except Doubt as doubt:
        if doubt.option != "tz" or moments.zone.why != COUNTED or not form.tz:
            raise
    moments = of_a_servers_clock(moments, form.tz)
    return moments, *_starts(source, moments, rows, form)


def _starts(source: Source, moments: Moments, rows: Rows, form: FileForm) -> tuple[Ints, Fact]:
    """Each bar's start in seconds, by the label that the stamps have."""
    seconds = moments.at // SECOND_NS
    readable = seconds > UNREADABLE
    if form.label == "end" and readable.any() and (seconds[readable] % 60 == 59).all():
        seconds = np.where(readable, seconds + 1, seconds)  # the minute's last second stands for its end
    symbol, volume = rows.symbol[readable], rows.volume[readable]
    refuse_midnight(seconds[readable], symbol, rows.names, rows.unused, source.path)
    days = calendar_of(form.exchange)
    edges = edges_of(seconds[readable], symbol, days, volume)
    label = decide_label(edges, form, source.dialect, source.path)
    if label.value == "end":
        seconds = np.where(readable, seconds - 60, seconds)
        edges = edges_of(seconds[readable], symbol, days)
    refuse_shifted(edges, form, moments.zone, source.path)
    if not form.as_is:
        refuse_misplaced(misplaced(seconds[readable], volume, days), moments.zone, source.path)
        refuse_loose_word(seconds[readable], days, moments.zone, source.path)
    return seconds, label


def _values(source: Source, mapped: Mapping[str, str], form: FileForm) -> tuple[Floats, np.ndarray, Fact]:
    frame, path = source.sheet.frame, source.path
    mark = form.decimal or decimal_mark((frame[mapped[name]] for name in PRICES[DayKind.BARS]), path)
    nothing = np.full(len(frame), np.nan), np.zeros(len(frame), dtype=bool)
    columns = [numbers(frame[mapped[name]], mark) if name in mapped else nothing for name in BAR_VALUES]
    values = np.stack([column for column, _ in columns])
    scale = scale_of(source, form)
    if float(scale.value) != 1:
        values[SCALED] /= float(scale.value)
    refuse_scale(values[AT["close"]], form, path)
    refuse_ten_thousandths(values[: AT["volume"]].ravel(), form, path)
    return values, np.logical_or.reduce([words for _, words in columns[4:]]), scale


def scale_of(source: Source, form: FileForm) -> Fact:
    """What prices are divided by, and why."""
    if form.scale:
        return Fact(f"{form.scale:g}", "--scale")
    if source.sheet.scale != 1:
        return Fact(f"{source.sheet.scale:g}", f"{source.dialect.name}: whole numbers")
    if source.dialect.scale != 1:
        return Fact(f"{source.dialect.scale:g}", source.dialect.name)
    return Fact("1", "")


def groups(*keys: np.ndarray) -> Iterator[tuple[int, slice]]:
    """Runs of equal rows of already sorted keys: (index of the first row, slice)."""
    if not len(keys[0]):
        return
    change = np.zeros(len(keys[0]), dtype=bool)
    for key in keys:
        change[1:] |= key[1:] != key[:-1]
    starts = np.concatenate([[0], np.flatnonzero(change)])
    for low, high in zip(starts, np.append(starts[1:], len(change)), strict=True):
        yield int(low), slice(int(low), int(high))
