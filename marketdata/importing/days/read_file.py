"""A file as what it holds, cut by symbol and session and checked, with nothing written yet."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from django.db import DatabaseError

from marketdata import store
from marketdata.errors import MarketDataError
from marketdata.exchange_calendar import NEW_YORK_STOCKS
from marketdata.importing.base.decision import Decision
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import NoRows, OtherKind, UnreadableFile
from marketdata.importing.days.said_by_path import other_date, refuse_other_folder
from marketdata.importing.days.splitting import Rejected, Split, split
from marketdata.importing.days.tick_splitting import split_ticks
from marketdata.importing.tables.bar_reading import read
from marketdata.importing.tables.tick_reading import read_ticks
from marketdata.kinds import DayKind
from marketdata.models import Instrument
from marketdata.symbols import SYMBOL_FORM, is_symbol

log = logging.getLogger(__name__)
MOST_SHOWN = 100
ADVICE = {
    "the time cannot be read": "write it as 2025-07-02 09:30:00, or name its column with --columns time=…",
    "the stamp is not on a whole minute": "round the stamps; --label end where they are the minute's last second",
    "high is below open or close": "its columns may stand in another order: name them with --columns high=…,low=…",
    "is not a symbol": "give the right one with --symbol, or its column with --columns symbol=…",
    "is not a finite number": "write prices as 50.01, without a currency's sign",
}
"""What to do where all rows of a file have such a reason."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadFile:
    """`known_at`: the market time from which its bars were known, for sessions that replay days as known.

    `prices`: how the file says that they are adjusted, as a dataset's `price_mode`; empty where it does not.
    """

    path: Path
    kind: str
    row_count: int
    parts: Split
    decision: Decision
    exchange: str = NEW_YORK_STOCKS
    known_at: dt.datetime | None = None
    prices: str = ""


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
            return _guarded(path, form, kind, known_only, known_at)
        except OtherKind as error:
            refusal = refusal or error
        except NoRows as error:  # a table of quotes with no trade among them, say
            if len(kinds) == 1 or kind == DayKind.BARS:
                raise
            refusal = refusal or error
    assert refusal is not None
    raise refusal


def _guarded(path: Path, form: FileForm, kind: str, known_only: bool, known_at: dt.datetime | None) -> ReadFile:
    """What goes wrong with one file is its refusal, and not the end of the run."""
    try:
        return _read(path, form, kind, known_only, known_at)
    except (MarketDataError, DatabaseError):
        raise
    except Exception as error:
        log.exception("%s cannot be read", path)
        raise UnreadableFile(f"{path}: cannot be read: {type(error).__name__}: {error}") from error


def _read(path: Path, form: FileForm, kind: str, known_only: bool, known_at: dt.datetime | None) -> ReadFile:
    if kind == DayKind.BARS:
        if form.interval != "1m":
            raise MarketDataError(
                f"Interval {form.interval!r} cannot be imported: the store keeps 1m and derives the rest."
            )
        table = read(path, form, store.exchange_of)
        parts, exchange, rows, decision = (
            split(table, as_is=form.as_is),
            table.exchange,
            len(table) + len(table.bad),
            table.decision,
        )
        prices = table.sheet.prices
    else:
        ticks = read_ticks(path, form, kind)
        parts = split_ticks(ticks, store.exchange_of, form.exchange)
        exchange = store.exchange_of({day.symbol for day in parts.days}, form.exchange)
        rows, decision, prices = len(ticks.line) + len(ticks.bad), ticks.decision, ticks.sheet.prices
    if form.prices and prices and form.prices != prices:
        raise UnreadableFile(f"{path}: the answer says that its prices are {prices}, --prices says {form.prices}.")
    prices = form.prices or prices
    refuse_bad_symbols(path, {day.symbol for day in parts.days}, known_only)
    if not parts.days:
        raise nothing_usable(path, rows, parts.rejected)
    if not form.as_is:
        refuse_other_folder(path, parts, exchange)
    if note := other_date(path, parts, exchange):
        decision = replace(decision, notes=(*decision.notes, note))
    return ReadFile(path, str(kind), rows, parts, decision, exchange, known_at, prices)


def nothing_usable(path: Path, rows: int, rejected: Sequence[Rejected]) -> UnreadableFile:
    """The error of a file that brings nothing: it leaves nothing behind, in quarantine neither."""
    if not rows:
        return NoRows(f"{path}: holds no rows.")
    first = rejected[0]
    advice = next((f": {advice}" for reason, advice in ADVICE.items() if first.reason.endswith(reason)), "")
    shown = f" ({first.raw[:MOST_SHOWN]})" if first.raw else ""
    why = f"none of its {rows:,} rows can be imported; line {first.line}{shown}: {first.reason}"
    return UnreadableFile(f"{path}: {why}{advice}.")


def refuse_bad_symbols(path: Path, found: Collection[str], known_only: bool) -> None:
    symbols = sorted(found)
    bad = [symbol for symbol in symbols if not is_symbol(symbol)]
    if bad:
        if not bad[0]:
            raise UnreadableFile(f"{path}: has rows that name no symbol: pass --symbol where all are of one.")
        raise UnreadableFile(f"{path}: {bad[0]!r} is not a symbol: {SYMBOL_FORM}.")
    if known_only:
        known = set(Instrument.objects.filter(symbol__in=symbols).values_list("symbol", flat=True))
        unknown = [symbol for symbol in symbols if symbol not in known]
        if unknown:
            raise UnreadableFile(
                f"{path}: unknown symbols {', '.join(unknown)}: leave out --known-only to create them."
            )
