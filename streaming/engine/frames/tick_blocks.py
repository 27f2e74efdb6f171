"""Trades and quotes within a frame: columns, and events in wire form."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.columns import Floats, Ints, TickColumns, join_ticks
from marketdata.hours import DayPart
from marketdata.wire_events import event
from streaming.engine.frames.layout import RECORDS


@dataclass(slots=True, eq=False)
class TickBlock:
    """Events of one kind that became known at the same instant, ordered by stamp, symbol, place in the source."""

    kind: str
    synthetic: bool
    symbols: tuple[str, ...]
    """Ascending."""
    rows: NDArray[np.void]
    """Records as `layout` has them; their symbols and codes are indices into `symbols` and `words`."""
    words: tuple[str, ...]
    part: DayPart = DayPart.REGULAR

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def channel(self) -> str:
        """What a reader asks for to get these: their stream type."""
        return str(self.kind)

    @property
    def at(self) -> Ints:
        """Source stamps, nanoseconds since the epoch."""
        return self.rows["at"]

    @property
    def symbol(self) -> NDArray[np.uint16]:
        return self.rows["symbol"]

    @property
    def values(self) -> Floats:
        """float64, one row a value of the kind; NaN is absent."""
        values: Floats = self.rows["values"].T
        return values

    @property
    def codes(self) -> NDArray[np.uint16]:
        codes: NDArray[np.uint16] = self.rows["codes"].T
        return codes

    @property
    def flags(self) -> NDArray[np.uint8]:
        return self.rows["flags"]

    @classmethod
    def of(
        cls,
        parts: Sequence[tuple[str, TickColumns]],
        open_ns: int,
        synthetic: bool,
        part: DayPart = DayPart.REGULAR,
    ) -> TickBlock:
        """From symbols, ascending, and their rows, all of one part of the day."""
        symbols = tuple(dict.fromkeys(symbol for symbol, _ in parts))
        place = {symbol: i for i, symbol in enumerate(symbols)}
        number = np.repeat([place[symbol] for symbol, _ in parts], [len(rows) for _, rows in parts])
        rows = join_ticks(parts[0][1].kind, [rows for _, rows in parts]).compact()
        return cls(rows.kind, synthetic, symbols, records(rows, number, open_ns), rows.words, part)

    def events(self, symbols: Collection[str] | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
        """Stamp and event in wire form, row by row."""
        cells = zip(
            self.symbol.tolist(),
            self.at.tolist(),
            self.rows["values"].tolist(),
            self.rows["codes"].tolist(),
            self.flags.tolist(),
            strict=True,
        )
        for number, at, values, codes, flags in cells:
            symbol = self.symbols[number]
            if symbols is None or symbol in symbols:
                words = [self.words[code] for code in codes]
                found = event(self.kind, symbol, at, values, words, flags, self.synthetic)
                yield at, found if self.part == DayPart.REGULAR else {**found, "hours": self.part.value}


def records(rows: TickColumns, symbol: NDArray[Any], open_ns: int) -> NDArray[np.void]:
    """Rows as records, by their stamps; at one stamp as they stand."""
    order = np.argsort(rows.at, kind="stable")
    found = np.zeros(len(rows), RECORDS[rows.kind])
    found["at"] = rows.at[order] + open_ns
    found["values"] = rows.values.T[order]
    found["symbol"] = symbol[order]
    found["codes"] = rows.codes.T[order]
    found["flags"] = rows.flags[order]
    return found
