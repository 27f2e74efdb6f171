"""Bars on their way out, as columns of ready-made JSON tokens: no object per bar is made, 100,000 take 0.15 s.

A token is the bytes of one cell. orjson writes a whole column at once; rows are joined by a template.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from marketdata.columns import BarColumns, Floats, Ints
from marketdata.wire_events import whole as whole_number

Tokens = list[bytes]
NULL = b"null"
STAMPS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
PRICES = ("open", "high", "low", "close")
TOTALS = ("volume", "trade_count")


@dataclass(frozen=True, slots=True)
class BarTable:
    """`shared` is what holds for all rows; `columns` has a token per row and name, in the order of the output."""

    shared: Mapping[str, Any]
    columns: Mapping[str, Tokens]
    after: dict[str, Any]
    """What follows the rows in JSON."""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def json(self) -> bytes:
        row = b"{" + b",".join(b'"%b":%%b' % name.encode() for name in self.columns) + b"}"
        rows = b",".join([row % cells for cells in zip(*self.columns.values(), strict=True)])
        head, tail = orjson.dumps(self.shared)[:-1], orjson.dumps(self.after)[1:-1]
        return b"".join((head, b',"bars":[', rows, b"]", b"," if tail else b"", tail, b"}"))

    def csv(self) -> bytes:
        """RFC 4180 with a header; absent values are empty, every row carries its symbol and interval."""
        fixed = {name: [str(self.shared[name]).encode()] * len(self) for name in ("symbol", "interval")}
        shown = {name: tokens for name, tokens in self.columns.items() if name not in ("type", *fixed)}
        columns = {**fixed, **{name: _bare(tokens) for name, tokens in shown.items()}}
        head = ",".join(columns).encode()
        return b"\r\n".join([head, *map(b",".join, zip(*columns.values(), strict=True)), b""])


def _bare(tokens: Tokens) -> Tokens:
    """The tokens as CSV wants them: without quotes, nulls empty."""
    if tokens and tokens[0].startswith(b'"'):
        return [token[1:-1] for token in tokens]
    return [b"" if token == NULL else token for token in tokens]


def constant(value: Any, rows: int) -> Tokens:
    return [orjson.dumps(value)] * rows


def floats(values: Floats) -> Tokens:
    """NaN becomes null; prices are the shortest decimal that round-trips."""
    return _tokens(values)


def amounts(values: Floats) -> Tokens:
    """Volumes and counts, most of which are whole: those have no decimal point, absent ones are null."""
    absent = np.isnan(values)
    known = np.where(absent, 0, values)
    if (known == np.floor(known)).all() and (np.abs(known) < 2**53).all():
        tokens = _tokens(known.astype(np.int64))
        for row in np.flatnonzero(absent).tolist():
            tokens[row] = NULL
        return tokens
    return [NULL if value != value else orjson.dumps(whole_number(value)) for value in values.tolist()]


def numbers(values: Ints | NDArray[np.bool_]) -> Tokens:
    return _tokens(values)


def stamps(seconds: Ints) -> Tokens:
    """Seconds since 1970 as RFC 3339 in UTC."""
    return _tokens(seconds.astype("datetime64[s]"))


def bar_tokens(start: Ints, end: Ints, bars: BarColumns) -> dict[str, Tokens]:
    """What every bar has on the wire: its interval in seconds since 1970, prices, and totals."""
    return {
        "start": stamps(start),
        "end": stamps(end),
        **{name: floats(getattr(bars, name)) for name in PRICES},
        **{name: amounts(getattr(bars, name)) for name in TOTALS},
        "vwap": floats(bars.vwap),
    }


def points(opened: int, bars: BarColumns) -> list[list[Any]]:
    """Bars as the chart takes them: start in seconds, open, high, low, close, volume."""
    start = (opened + bars.offset).tolist()
    volume = [whole_number(value) for value in bars.volume.tolist()]
    prices = (bars.open.tolist(), bars.high.tolist(), bars.low.tolist(), bars.close.tolist())
    return [list(row) for row in zip(start, *prices, volume, strict=True)]


def _tokens(values: NDArray[Any]) -> Tokens:
    if not len(values):
        return []
    return orjson.dumps(np.ascontiguousarray(values), option=STAMPS)[1:-1].split(b",")
