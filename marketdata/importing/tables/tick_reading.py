"""Files of trades, quotes or quote bars as one table of canonical columns, with what was decided about it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from marketdata.columns import Floats, Ints, TickColumns
from marketdata.columns.tick_columns import CORRECTED, DERIVED, SUSPICIOUS
from marketdata.exchange_calendar import NEW_YORK_STOCKS, calendar_of
from marketdata.importing.base.decision import Decision, Fact
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.numbers import decimal_mark, numbers
from marketdata.importing.base.sheets import OfSheet, Sheet
from marketdata.importing.base.spellings import PRICES
from marketdata.importing.files.sources import Source, open_source
from marketdata.importing.guards.edges import edges_of
from marketdata.importing.guards.misreadings import decide_label, refuse_midnight, refuse_scale
from marketdata.importing.stamps.stamp_columns import UNREAD, stamps, zone_note
from marketdata.importing.tables.bar_reading import mapped_columns, scale_of, unused_columns
from marketdata.importing.tables.clock_parts import joined
from marketdata.importing.tables.symbol_column import symbols_of
from marketdata.importing.tables.typed_rows import cancelled, only_trades
from marketdata.kinds import KINDS, DayKind
from marketdata.units import MINUTE_NS, SECOND_NS

NOT_CORRECTED = ("", "n", "no", "none", "false", "nan", "null", "-", "original", "regular", "good")
"""Words that say of a trade that it stands."""
LISTED = re.compile(r"\[.*\]", re.DOTALL)


@dataclass(frozen=True, slots=True, eq=False)
class TickTable(OfSheet):
    """A file's rows in the file's order.

    `rows.at`: UTC nanoseconds since the epoch, int64's minimum where the stamp could not be read. `sheet` keeps the
    rows as they stand in the file. `garbled`: a price or a size is there and is no number.
    """

    path: Path
    symbol: NDArray[np.object_]
    rows: TickColumns
    sheet: Sheet = field(repr=False)
    decision: Decision = field(repr=False)
    garbled: np.ndarray = field(repr=False)
    as_is: bool = False


def read_ticks(path: Path, form: FileForm, kind: str) -> TickTable:
    """Raises UnreadableFile, naming the file and what to pass; NotTicks of another kind's, before its rows are read."""
    return tick_table(open_source(path, form, (str(kind),)), form, str(kind))


def tick_table(source: Source, form: FileForm, kind: str) -> TickTable:
    """Raises what `read_ticks` does."""
    path = source.path
    source = replace(source, sheet=only_trades(joined(source.sheet), kind, path))
    sheet, off = cancelled(source.sheet)
    mapped = mapped_columns(source, kind, form)
    names, codes, symbol = symbols_of(path, sheet, mapped, form)
    moments = stamps(sheet.frame, mapped, form, source.dialect, path)
    sheet, unused = sheet.noted(zone_note(moments, form)), unused_columns(sheet, mapped)
    readable = moments.at > UNREAD
    refuse_midnight(moments.at[readable] // SECOND_NS, codes[readable], names, unused, path)
    at, label = _known_at(moments.at, codes, source, mapped, form, kind)
    values, garbled, scale = _values(source, mapped, form, kind)
    words, dictionary = _codes(sheet.frame, mapped, kind, values)
    flags = _flags(sheet.frame, mapped)
    flags[off] |= CORRECTED
    if label.value:
        flags |= DERIVED
    decision = Decision(
        str(path), kind, Fact(source.dialect.name, source.dialect.sign), symbol, moments.zone,
        label if label.value else Fact("event", "no bars"), moments.units, scale, mapped, unused, sheet.notes,
    )  # fmt: skip
    rows = TickColumns(kind, at, values, words, flags, dictionary)
    return TickTable(path, np.array(names, dtype=object)[codes], rows, sheet, decision, garbled, form.as_is)


def _known_at(
    at: Ints, symbol: Ints, source: Source, mapped: Mapping[str, str], form: FileForm, kind: str
) -> tuple[Ints, Fact]:
    """A quote bar's closing quote stood in its minute's last nanosecond: known at the minute's end, not before."""
    if kind != DayKind.QUOTES or "close" not in mapped["bid"].lower():
        return at, Fact("", "")
    there = at != UNREAD
    edges = edges_of(at[there] // SECOND_NS, symbol[there], calendar_of(form.exchange or NEW_YORK_STOCKS))
    label = decide_label(edges, form, source.dialect, source.path)
    shift = -1 if label.value == "end" else MINUTE_NS - 1
    return np.where(there, at + shift, at), label


def _values(source: Source, mapped: Mapping[str, str], form: FileForm, kind: str) -> tuple[Floats, np.ndarray, Fact]:
    frame, path = source.sheet.frame, source.path
    mark = form.decimal or decimal_mark((frame[mapped[name]] for name in PRICES[kind]), path)
    nothing = np.full(len(frame), np.nan), np.zeros(len(frame), dtype=bool)
    columns = [numbers(frame[mapped[name]], mark) if name in mapped else nothing for name in KINDS[kind].values]
    values: Floats = np.stack([column for column, _ in columns])
    scale = scale_of(source, form)
    prices = [KINDS[kind].values.index(name) for name in PRICES[kind]]
    if float(scale.value) != 1:
        values[prices] /= float(scale.value)
    refuse_scale(values[prices[0]], form, path)
    if kind == DayKind.QUOTES:
        _absent_sides(values)
    # The rules say it of a trade's price; a side of a quote that is a word would be an absent one.
    said = [words for name, (_, words) in zip(KINDS[kind].values, columns, strict=True) if name != "price"]
    return values, np.logical_or.reduce(said), scale


def _absent_sides(values: Floats) -> None:
    """A price of 0 is a side that is absent; so is its size."""
    for price, size in ((0, 1), (2, 3)):
        absent = (values[price] == 0) & ~(values[size] > 0)
        values[price, absent] = values[size, absent] = np.nan


def _codes(
    table: pd.DataFrame, mapped: Mapping[str, str], kind: str, values: Floats
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Exchanges and conditions as indices into one list of words."""
    columns: list[tuple[NDArray[np.int32], list[str]]] = []
    for name in KINDS[kind].codes:
        column = mapped.get(name) or (mapped.get("exchange") if name.endswith("_exchange") else None)
        columns.append(_factorized(table[column]) if column else (np.zeros(len(table), np.int32), [""]))
    words = ("", *sorted({word for _, known in columns for word in known} - {""}))
    index = {word: code for code, word in enumerate(words)}
    codes = np.stack([np.array([index[word] for word in known], np.int32)[code] for code, known in columns])
    if kind == DayKind.QUOTES:  # a side that is absent is on no exchange
        codes[0, np.isnan(values[0])] = 0
        codes[1, np.isnan(values[2])] = 0
    return codes, words


def _factorized(column: pd.Series) -> tuple[NDArray[np.int32], list[str]]:
    texts = column.astype(object)
    if any(isinstance(value, (list, tuple, np.ndarray)) for value in texts.dropna().head(1)):
        texts = texts.map(lambda value: _joined(value) if np.iterable(value) else "")
    code, known = pd.factorize(texts.where(texts.notna(), "").astype(str))
    return code.astype(np.int32), [_word(str(word)) for word in known]


def _word(text: str) -> str:
    """A list of codes, as a data frame prints it, with a blank between them."""
    text = text.strip()
    if not LISTED.fullmatch(text):
        return text.removesuffix(".0") if re.fullmatch(r"\d+\.0", text) else text
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        found = re.findall(r"[^\s,'\"\[\]]+", text)
    return _joined(found)


def _joined(codes: Iterable[object]) -> str:
    """Codes with a blank between them; a blank that stands for "regular" beside others is none."""
    return " ".join(filter(None, (str(code).strip() for code in codes)))


def _flags(table: pd.DataFrame, mapped: Mapping[str, str]) -> NDArray[np.uint8]:
    flags = np.zeros(len(table), np.uint8)
    if "suspicious" in mapped:
        truth = table[mapped["suspicious"]].astype(str).str.lower().isin(["true", "1"]).to_numpy(dtype=bool)
        flags[truth] |= SUSPICIOUS
    if "correction" in mapped:
        column = table[mapped["correction"]]
        words = ~column.astype(object).fillna("").astype(str).str.strip().str.lower().isin(NOT_CORRECTED)
        codes, is_word = numbers(column)
        corrected = (np.nan_to_num(codes) != 0) | (is_word & words.to_numpy(dtype=bool))
        flags[corrected] |= CORRECTED
    return flags
