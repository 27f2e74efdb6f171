"""Files of trades, quotes or quote bars as one table of canonical columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
from numpy.typing import NDArray
from pyarrow import parquet

from marketdata.columns import Floats, Ints
from marketdata.importing.dialects import NotTicks, Reading, UnreadableFile, symbol_of
from marketdata.importing.stamps import stamps
from marketdata.ticks.columns import CODES, CORRECTED, DERIVED, SUSPICIOUS, VALUES, TickColumns, TickKind

SUFFIXES = (".csv", ".csv.gz", ".parquet")
TIME = ("timestamp", "datetime", "time", "date", "t", "ts", "ts_event", "sip_timestamp", "participant_timestamp")
SHARED: Mapping[str, tuple[str, ...]] = {
    "time": TIME,
    "symbol": ("symbol", "ticker", "sym", "instrument"),
    "exchange": ("exchange", "x", "ex", "venue"),
    "condition": ("condition", "conditions", "cond", "sale_condition", "c"),
    "suspicious": ("suspicious",),
    "correction": ("correction", "corr", "tr_corr"),
}
SPELLINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    TickKind.TRADES: {
        **SHARED,
        "price": ("price", "p", "trade_price", "last"),
        "size": ("size", "s", "volume", "qty", "quantity", "shares"),
    },
    TickKind.QUOTES: {
        **SHARED,
        "bid": ("bid", "bp", "bid_price", "bid_close"),
        "bid_size": ("bid_size", "bs", "bidsize", "last_bid_size"),
        "ask": ("ask", "ap", "ask_price", "offer", "ask_close"),
        "ask_size": ("ask_size", "asksize", "last_ask_size", "offer_size"),
        "bid_exchange": ("bid_exchange", "bx"),
        "ask_exchange": ("ask_exchange", "ax"),
    },
}
REQUIRED = {TickKind.TRADES: ("time", "price"), TickKind.QUOTES: ("time", "bid", "ask")}
BARS = {"open", "high", "low"}
MINUTE_NS = 60_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class TickTable:
    """A file's rows in the file's order.

    `rows.at`: UTC nanoseconds since the epoch, int64's minimum where the stamp could not be read. `line`: of the file,
    from 1, header included (of Parquet: the row, from 1). `derived`: quotes made from the closes of quote bars.
    """

    path: Path
    symbol: NDArray[np.object_]
    line: Ints
    rows: TickColumns


def read_ticks(path: Path, reading: Reading, kind: str) -> TickTable:
    """Raises UnreadableFile, naming the file and what to pass; NotTicks of another kind's, before its rows are read."""
    mapped = _map(_column_names(path), reading.columns, kind, path)
    table = _frame(path)
    if reading.symbol or "symbol" not in mapped:
        symbol = np.full(len(table), reading.symbol.upper() or symbol_of(path), dtype=object)
    else:
        symbol = table[mapped["symbol"]].astype(str).str.strip().str.upper().to_numpy(dtype=object)
    at, derived = _known_at(stamps(table, mapped, reading, path), mapped, reading, kind)
    values = np.stack([_numbers(table, mapped.get(name)) for name in VALUES[kind]])
    codes, words = _codes(table, mapped, kind, values)
    flags = _flags(table, mapped)
    if derived:
        flags |= DERIVED
    first = 1 if path.name.endswith(".parquet") else 2
    lines = np.arange(len(table), dtype=np.int64) + first
    return TickTable(path, symbol, lines, TickColumns(kind, at, values, codes, flags, words))


def _known_at(at: Ints, mapped: Mapping[str, str], reading: Reading, kind: str) -> tuple[Ints, bool]:
    """A quote bar's closing quote stood in its minute's last nanosecond: known at the minute's end, not before."""
    if kind != TickKind.QUOTES or not mapped["bid"].lower().endswith("_close"):
        return at, False
    unread = at == np.iinfo(np.int64).min
    shift = -1 if reading.label == "end" else MINUTE_NS - 1
    return np.where(unread, at, at + shift), True


def _map(names: Sequence[str], given: Mapping[str, str], kind: str, path: Path) -> dict[str, str]:
    """Our name → the file's."""
    folded = {name.strip().lower().replace(" ", "_"): name for name in names}
    found = dict(given)
    for ours, spellings in SPELLINGS[kind].items():
        hit = next((folded[spelling] for spelling in spellings if spelling in folded), None)
        if ours not in found and hit is not None:
            found[ours] = hit
    missing = [name for name in REQUIRED[TickKind(kind)] if name not in found]
    unknown = [name for name in given.values() if name not in names]
    if missing or unknown:
        what = f"no column for {', '.join(missing)}" if missing else f"no column {', '.join(unknown)}"
        other = not given and _is_other(kind, found, path)
        told = f"{path}: {what}; it has {', '.join(names)}. Name them with --columns time=ts,…"
        raise NotTicks(told) if other else UnreadableFile(told)
    if not given and kind == TickKind.TRADES and set(folded) >= BARS:
        raise NotTicks(f"{path}: holds bars, not trades; it has {', '.join(names)}.")
    return found


def _is_other(kind: str, found: Mapping[str, str], path: Path) -> bool:
    """Whether a file is of another kind. Not where its name says that it is of this one: then it is broken."""
    if TickKind(kind).label[:-1] in path.name.lower():
        return False
    return not ({"price"} if kind == TickKind.TRADES else {"bid", "ask"}) & set(found)


def _column_names(path: Path) -> list[str]:
    try:
        if path.name.endswith(".parquet"):
            schema = parquet.read_schema(path)
            index = (schema.pandas_metadata or {}).get("index_columns", [])
            return [str(name) for name in schema.names if name not in index]
        return [str(name) for name in pd.read_csv(path, nrows=0).columns]
    except (ValueError, OSError, EOFError, pyarrow.ArrowException) as error:
        raise UnreadableFile(f"{path}: cannot be read: {error}") from None


def _frame(path: Path) -> pd.DataFrame:
    try:
        if path.name.endswith(".parquet"):
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype={"condition": str, "conditions": str, "exchange": str}, keep_default_na=True)
    except (ValueError, OSError, EOFError, pyarrow.ArrowException) as error:
        raise UnreadableFile(f"{path}: cannot be read: {error}") from None


def _numbers(table: pd.DataFrame, name: str | None) -> Floats:
    if name is None:
        return np.full(len(table), np.nan)
    numbers: Floats = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan).copy()
    return numbers


def _codes(
    table: pd.DataFrame, mapped: Mapping[str, str], kind: str, values: Floats
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Exchanges and conditions as indices into one list of words."""
    columns: list[tuple[NDArray[np.int32], list[str]]] = []
    for name in CODES[kind]:
        column = mapped.get(name) or (mapped.get("exchange") if name.endswith("_exchange") else None)
        columns.append(_factorized(table[column]) if column else (np.zeros(len(table), np.int32), [""]))
    words = ("", *sorted({word for _, known in columns for word in known} - {""}))
    index = {word: code for code, word in enumerate(words)}
    codes = np.stack([np.array([index[word] for word in known], np.int32)[code] for code, known in columns])
    if kind == TickKind.QUOTES:  # a side that is absent is on no exchange
        codes[0, np.isnan(values[0])] = 0
        codes[1, np.isnan(values[2])] = 0
    return codes, words


def _factorized(column: pd.Series) -> tuple[NDArray[np.int32], list[str]]:
    code, known = pd.factorize(column.astype(object).where(column.notna(), ""))
    return code.astype(np.int32), [str(word).strip() for word in known]


def _flags(table: pd.DataFrame, mapped: Mapping[str, str]) -> NDArray[np.uint8]:
    flags = np.zeros(len(table), np.uint8)
    if "suspicious" in mapped:
        truth = table[mapped["suspicious"]].astype(str).str.lower().isin(["true", "1"]).to_numpy(dtype=bool)
        flags[truth] |= SUSPICIOUS
    if "correction" in mapped:
        corrected = np.nan_to_num(_numbers(table, mapped["correction"])) != 0
        flags[corrected] |= CORRECTED
    return flags


def raw_tick(table: TickTable, row: int) -> str:
    """What quarantine keeps of a row."""
    rows = table.rows
    values = ",".join(f"{value:g}" for value in rows.values[:, row])
    words = ",".join(rows.words[code] for code in rows.codes[:, row])
    return f"{table.symbol[row]},{rows.at[row]},{values},{words}"
