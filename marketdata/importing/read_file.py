"""A file as what it holds, cut by symbol and session and checked, with nothing written yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from marketdata import store
from marketdata.errors import MarketDataError
from marketdata.exchange_calendar import NEW_YORK_STOCKS
from marketdata.importing.bar_reading import read
from marketdata.importing.decision import Decision
from marketdata.importing.file_form import FileForm
from marketdata.importing.refusals import NoRows, OtherKind, UnreadableFile
from marketdata.importing.splitting import Rejected, Split, split
from marketdata.importing.tick_reading import read_ticks
from marketdata.importing.tick_splitting import split_ticks
from marketdata.kinds import DayKind
from marketdata.models import Instrument
from marketdata.symbols import SYMBOL_FORM, is_symbol


@dataclass(frozen=True, slots=True, eq=False)
class ReadFile:
    """`known_at`: the market time from which its bars were known, for sessions that replay days as known."""

    path: Path
    kind: str
    row_count: int
    parts: Split
    decision: Decision
    exchange: str = NEW_YORK_STOCKS
    known_at: dt.datetime | None = None


def read_file(
    path: Path,
    form: FileForm,
    kinds: Sequence[str] = (DayKind.BARS,),
    *,
    known_only: bool = False,
    known_at: dt.datetime | None = None,
) -> ReadFile:
    """The file as the first of these kinds that it holds. Raises MarketDataError, naming the file and what to pass."""
    refusal: UnreadableFile | None = None
    for kind in kinds:
        try:
            return _read(path, form, kind, known_only, known_at)
        except OtherKind as error:
            refusal = refusal or error
        except NoRows as error:  # a table of quotes with no trade among them, say
            if len(kinds) == 1 or kind == DayKind.BARS:
                raise
            refusal = refusal or error
    assert refusal is not None
    raise refusal


def _read(path: Path, form: FileForm, kind: str, known_only: bool, known_at: dt.datetime | None) -> ReadFile:
    if kind == DayKind.BARS:
        if form.interval != "1m":
            raise MarketDataError(
                f"Interval {form.interval!r} cannot be imported: the store keeps 1m and derives the rest."
            )
        table = read(path, form, store.exchange_of)
        parts, exchange, rows, decision = split(table), table.exchange, len(table) + len(table.bad), table.decision
    else:
        ticks = read_ticks(path, form, kind)
        parts = split_ticks(ticks, store.exchange_of, form.exchange)
        exchange = store.exchange_of({day.symbol for day in parts.days}, form.exchange)
        rows, decision = len(ticks.line) + len(ticks.bad), ticks.decision
    refuse_bad_symbols(path, {day.symbol for day in parts.days}, known_only)
    if not parts.days:
        raise nothing_usable(path, rows, parts.rejected)
    return ReadFile(path, str(kind), rows, parts, decision, exchange, known_at)


def nothing_usable(path: Path, rows: int, rejected: Sequence[Rejected]) -> UnreadableFile:
    """The error of a file that brings nothing: it leaves nothing behind, in quarantine neither."""
    if not rows:
        return NoRows(f"{path}: holds no rows.")
    first = rejected[0]
    return UnreadableFile(f"{path}: none of its {rows:,} rows can be imported; line {first.line}: {first.reason}.")


def refuse_bad_symbols(path: Path, found: Collection[str], known_only: bool) -> None:
    symbols = sorted(found)
    bad = [symbol for symbol in symbols if not is_symbol(symbol)]
    if bad:
        raise UnreadableFile(f"{path}: {bad[0]!r} is not a symbol: {SYMBOL_FORM}.")
    if known_only:
        known = set(Instrument.objects.filter(symbol__in=symbols).values_list("symbol", flat=True))
        unknown = [symbol for symbol in symbols if symbol not in known]
        if unknown:
            raise UnreadableFile(
                f"{path}: unknown symbols {', '.join(unknown)}: leave out --known-only to create them."
            )
