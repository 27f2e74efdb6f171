"""Trades and quotes within a frame: columns in the frame's layout, and events in wire form.

A block's body: symbols joined by newlines, words joined by newlines, then per row `at` (int64, nanoseconds since the
epoch), the values (float64, one column after the other), symbol and codes (uint16) and flags (uint8).
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.columns import Floats, Ints
from marketdata.ticks.columns import CODES, VALUES, TickColumns, TickKind, join
from marketdata.ticks.wire import event

HEAD = struct.Struct("<BBHqqIII")
"""As of every block: kind, flags, three fields of bars, rows, length of the words, length of the symbols."""
NUMBERS = {TickKind.TRADES: 2, TickKind.QUOTES: 3}
KINDS = {number: kind for kind, number in NUMBERS.items()}
SYNTHETIC = 1


@dataclass(frozen=True, slots=True, eq=False)
class TickBlock:
    """Events of one kind that became known at the same instant, ordered by stamp, symbol, place in the source."""

    kind: str
    synthetic: bool
    symbols: tuple[str, ...]
    """Ascending."""
    symbol: NDArray[np.uint16]
    at: Ints
    """Source stamps, nanoseconds since the epoch."""
    values: Floats
    codes: NDArray[np.uint16]
    flags: NDArray[np.uint8]
    words: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.at)

    @property
    def channel(self) -> str:
        """What a reader asks for to get these: their stream type."""
        return str(self.kind)

    @classmethod
    def of(cls, parts: Sequence[tuple[str, TickColumns]], open_ns: int, synthetic: bool) -> TickBlock:
        """From symbols, ascending, and their rows."""
        symbols = tuple(dict.fromkeys(symbol for symbol, _ in parts))
        rows = (parts[0][1] if len(parts) == 1 else join(parts[0][1].kind, [rows for _, rows in parts])).compact()
        place = {symbol: i for i, symbol in enumerate(symbols)}
        number = np.repeat([place[symbol] for symbol, _ in parts], [len(rows) for _, rows in parts])
        if len(parts) > 1:
            order = np.argsort(rows.at, kind="stable")
            rows, number = rows.take(order), number[order]
        codes = rows.codes.astype(np.uint16)
        return cls(
            rows.kind,
            synthetic,
            symbols,
            number.astype(np.uint16),
            rows.at + open_ns,
            np.ascontiguousarray(rows.values),
            codes,
            rows.flags,
            rows.words,
        )

    def encode(self) -> bytes:
        names, words = "\n".join(self.symbols).encode(), "\n".join(self.words).encode()
        flags = SYNTHETIC if self.synthetic else 0
        head = HEAD.pack(NUMBERS[TickKind(self.kind)], flags, 0, 0, 0, len(self), len(words), len(names))
        columns = (self.at, self.values, self.symbol, self.codes, self.flags)
        return b"".join((head, names, words, *(column.tobytes() for column in columns)))

    def events(self, symbols: Collection[str] | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
        """Stamp and event in wire form, row by row."""
        cells = zip(
            self.symbol.tolist(),
            self.at.tolist(),
            self.values.T.tolist(),
            self.codes.T.tolist(),
            self.flags.tolist(),
            strict=True,
        )
        for number, at, values, codes, flags in cells:
            symbol = self.symbols[number]
            if symbols is None or symbol in symbols:
                words = [self.words[code] for code in codes]
                yield at, event(self.kind, symbol, at, values, words, flags, self.synthetic)


def decode_ticks(body: bytes, at: int) -> tuple[TickBlock, int]:
    number, flags, _, _, _, n, words_size, names_size = HEAD.unpack_from(body, at)
    kind = KINDS[number]
    at += HEAD.size
    symbols, at = _texts(body[at : at + names_size]), at + names_size
    words, at = _texts(body[at : at + words_size]), at + words_size
    stamps, at = _column(body, at, np.int64, n)
    values, at = _column(body, at, np.float64, n, len(VALUES[kind]))
    symbol, at = _column(body, at, np.uint16, n)
    codes, at = _column(body, at, np.uint16, n, len(CODES[kind]))
    marks, at = _column(body, at, np.uint8, n)
    return TickBlock(kind, bool(flags & SYNTHETIC), symbols, symbol, stamps, values, codes, marks, words), at


def _column(body: bytes, at: int, of: Any, n: int, columns: int = 0) -> tuple[NDArray[Any], int]:
    found = np.frombuffer(body, of, n * (columns or 1), at)
    return (found.reshape(columns, n) if columns else found), at + found.nbytes


@lru_cache(maxsize=4096)
def _texts(joined: bytes) -> tuple[str, ...]:
    return tuple(joined.decode().split("\n"))
