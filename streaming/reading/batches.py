"""Rows of many frames as one table: what readers get who want columns, records, Arrow or pandas and not events.

Parsed for all frames of a stretch at once: a frame costs next to nothing, whatever it holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marketdata.intervals import parse_interval
from marketdata.kinds import KINDS, DayKind
from streaming.engine.frames.frame_id import FrameId, rfc3339
from streaming.engine.frames.layout import BLOCK, HEAD, KIND_OF, RECORDS, WORD
from streaming.engine.frames.stretch import Stretch
from streaming.reading.block_words import BlockWords

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Ints = NDArray[np.int64]
BLOCK_WORDS, HEAD_WORDS = BLOCK.itemsize // WORD, HEAD.itemsize // WORD
WIDE = 16
"""Rows of a block from which on it is copied at once."""
WORDS_OF = np.array([0, *(RECORDS[KIND_OF[number]].itemsize // WORD for number in sorted(KIND_OF))])
"""A record's size by its kind's number."""
BARS = KINDS[DayKind.BARS].frame_number


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Rows of one channel in the order of the stream, and the cursor to go on from."""

    cursor: FrameId
    channel: str
    records: NDArray[np.void]
    """Bars: `values` (open, high, low, close, volume, trade_count, vwap) and `n_present`; trades and quotes: `at` in
    nanoseconds, `values`, `codes` (indices into `words`) and `flags`."""
    known: Ints
    """When each became known, in milliseconds: its frame's clock."""
    symbol: NDArray[np.int32]
    """The symbol of each row, as an index into `symbols`."""
    symbols: tuple[str, ...]
    words: tuple[str, ...] = ("",)
    start: Ints | None = None
    """When each bar begins, in milliseconds; None where the rows are no bars."""
    n_expected: Ints | None = None

    def __len__(self) -> int:
        return len(self.records)

    def columns(self) -> dict[str, NDArray[Any]]:
        """One array a column; symbols and words as arrays of str objects, times as datetime64 in UTC."""
        kind = KINDS[DayKind.BARS if self.start is not None else self.channel]
        values = self.records["values"]
        found: dict[str, NDArray[Any]] = {
            "known": self.known.astype("M8[ms]"),
            "symbol": named(self.symbols, self.symbol),
        }
        if self.start is not None and self.n_expected is not None:
            found["start"] = self.start.astype("M8[ms]")
            found |= {name: values[:, place] for place, name in enumerate(kind.values)}
            return {**found, "n_present": self.records["n_present"], "n_expected": self.n_expected}
        found["at"] = self.records["at"].astype("M8[ns]")
        found |= {name: values[:, place] for place, name in enumerate(kind.values)}
        found |= {name: named(self.words, self.records["codes"][:, place]) for place, name in enumerate(kind.codes)}
        return {**found, "flags": self.records["flags"]}

    def pandas(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(self.columns())

    def arrow(self) -> pa.RecordBatch:
        import pyarrow as pa

        return pa.RecordBatch.from_pydict({name: pa.array(column) for name, column in self.columns().items()})


def stamps(ms: Ints) -> list[str]:
    """Of milliseconds, as `rfc3339` writes them."""
    if (ms % 1000).any():
        return [rfc3339(each) for each in ms.tolist()]
    texts: list[str] = np.datetime_as_string(ms.astype("M8[ms]"), unit="s", timezone="UTC").tolist()
    return texts


def named(words: Sequence[str], codes: NDArray[Any]) -> NDArray[np.object_]:
    found: NDArray[np.object_] = np.array(words, dtype=object)[codes]
    return found


def batch_of(stretch: Stretch, channel: str, symbols: Collection[str] | None = None) -> Batch:
    """The rows of a channel (an interval, `ticks` or `quotes`) of a stretch's frames, of all or these symbols."""
    words = np.frombuffer(stretch.body, np.int64)
    blocks = Blocks(words, stretch, channel)
    made = blocks.batch(words, stretch)
    kept = None if symbols is None else rows_of(made, symbols)
    return made if kept is None else taken(made, kept)


def rows_of(batch: Batch, symbols: Collection[str]) -> NDArray[np.bool_] | None:
    """Which rows are of these symbols; None where all are."""
    wanted = np.array([symbol in symbols for symbol in batch.symbols], dtype=bool)
    return None if wanted.all() else wanted[batch.symbol]


def taken(batch: Batch, kept: NDArray[np.bool_]) -> Batch:
    start, expected = (None if column is None else column[kept] for column in (batch.start, batch.n_expected))
    rows = (batch.records[kept], batch.known[kept], batch.symbol[kept])
    return Batch(batch.cursor, batch.channel, *rows, batch.symbols, batch.words, start, expected)


def together(counts: Ints, most: int) -> Iterator[tuple[int, int, int, int]]:
    """Groups that follow each other, of at most so many rows where one alone has no more: from one to before another,
    and their rows likewise.
    """
    ends = np.cumsum(counts)
    first = begin = 0
    while first < len(counts):
        last = max(first + 1, int(np.searchsorted(ends, begin + most, side="right")))
        end = int(ends[last - 1])
        yield first, last, begin, end
        first, begin = last, end


class Blocks:
    """Where the blocks of a channel, or those of all bars, are, in words."""

    def __init__(self, words: Ints, stretch: Stretch, channel: str) -> None:
        self.channel = channel
        ends = np.asarray(stretch.ends, np.int64) // WORD
        begins = np.concatenate([[0], ends[:-1]])
        self.heads = heads = words[begins[:, None] + np.arange(HEAD_WORDS)].view(HEAD).ravel()
        place = begins + HEAD_WORDS + heads["extras"].astype(np.int64) // WORD
        self.others = False
        """Whether other blocks stand between."""
        frames, places, tables = [], [], []
        for number in range(int(heads["blocks"].max())):
            frame = np.flatnonzero(heads["blocks"] > number)
            at = place[frame]
            table = words[at[:, None] + np.arange(BLOCK_WORDS)].view(BLOCK).ravel()
            wanted = self._wanted(table)
            self.others |= not wanted.all()
            frames.append(frame[wanted])
            places.append(at[wanted])
            tables.append(table[wanted])
            place[frame] += BLOCK_WORDS + _text_words(table) + table["rows"] * WORDS_OF[table["kind"]]
        frame = np.concatenate(frames) if frames else np.empty(0, np.int64)
        order = np.argsort(frame, kind="stable")
        self.frame = frame[order]
        self.place = np.concatenate(places)[order] if places else frame
        self.table = np.concatenate(tables)[order] if tables else np.empty(0, BLOCK)

    def _wanted(self, table: NDArray[np.void]) -> NDArray[np.bool_]:
        if self.channel in KINDS:
            return np.asarray(table["kind"] == KINDS[self.channel].frame_number)
        return np.asarray((table["kind"] == BARS) & (table["width"] == parse_interval(self.channel)))

    def batch(self, words: Ints, stretch: Stretch) -> Batch:
        table, bars = self.table, self.channel not in KINDS or self.channel == DayKind.BARS
        record = RECORDS[DayKind.BARS if bars else self.channel]
        size = record.itemsize // WORD
        counts = table["rows"].astype(np.int64)
        first = self.place + BLOCK_WORDS + _text_words(table)
        records = _gathered(words, first, counts, size).view(record).ravel()
        at, names = (self.place + BLOCK_WORDS) * WORD, table["names"].astype(np.int64)
        symbols = BlockWords(stretch.body, at, at + names)
        known = np.repeat(np.asarray(stretch.ms, np.int64)[self.frame], counts)
        if bars:
            symbol = symbols.all(counts)
            columns = (np.repeat(table[name].astype(np.int64), counts) for name in ("start", "extra"))
            return Batch(stretch.id, self.channel, records, known, symbol, symbols.words, ("",), *columns)
        coded = BlockWords(stretch.body, at + names, at + names + table["extra"])
        symbol = symbols.numbers(np.repeat(np.arange(len(counts)), counts), records["symbol"])
        for column in range(records["codes"].shape[1]):
            local = records["codes"][:, column]
            records["codes"][:, column] = coded.numbers(np.repeat(np.arange(len(counts)), counts), local)
        return Batch(stretch.id, self.channel, records, known, symbol, symbols.words, coded.words)

    def taken(self, batch: Batch, kept: NDArray[np.bool_] | None) -> tuple[Batch, Ints]:
        """The rows of their batch that are kept, None for all, and how many are of each block."""
        counts = self.table["rows"].astype(np.int64)
        if kept is None:
            return batch, counts
        block = np.repeat(np.arange(len(counts)), counts)
        return taken(batch, kept), np.bincount(block[kept], minlength=len(counts))


def _gathered(words: Ints, first: Ints, counts: Ints, size: int) -> Ints:
    """The records of all blocks, end to end."""
    if len(counts) * WIDE < int(counts.sum()):
        ends = (first + counts * size).tolist()
        return np.concatenate([words[low:high] for low, high in zip(first.tolist(), ends, strict=True)])
    inside = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    places: Ints = np.repeat(first, counts) + inside * size
    found: Ints = words[places[:, None] + np.arange(size)]
    return found


def _text_words(table: NDArray[np.void]) -> Ints:
    size = table["names"].astype(np.int64) + np.where(table["kind"] == BARS, 0, table["extra"])
    return -(-size // WORD)
