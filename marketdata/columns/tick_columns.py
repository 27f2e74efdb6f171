"""Trades or quotes as columns."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.columns.bar_columns import Floats, Ints
from marketdata.kinds import KINDS
from marketdata.units import SECOND_NS

Codes = NDArray[np.int32]
SUSPICIOUS, CORRECTED, DERIVED = 1, 2, 4
"""Flags of a row: marked as an outlier by its source; later corrected or canceled; made from bars."""


@dataclass(frozen=True, slots=True, eq=False)
class TickColumns:
    """n trades or quotes of one instrument in time order; ties stand as the source had them.

    `at`: nanoseconds from the session's open, int64, ascending. `values`: float64, shape (v, n), NaN where the source
    has none, and `codes`: int32, shape (c, n), indices into `words`, whose first is the empty one: both with rows as
    `KINDS[kind]` names them. `flags`: uint8.
    """

    kind: str
    at: Ints
    values: Floats
    codes: Codes
    flags: NDArray[np.uint8]
    words: tuple[str, ...] = ("",)

    def __len__(self) -> int:
        return len(self.at)

    @classmethod
    def of_columns(cls, kind: str, columns: Sequence[NDArray[Any]], words: Sequence[str]) -> TickColumns:
        """From one array each: `at`, the values, the codes, the flags."""
        at, *rest, flags = columns
        values, codes = rest[: len(KINDS[kind].values)], rest[len(KINDS[kind].values) :]
        return cls(kind, at, np.stack(values), np.stack(codes).astype(np.int32), flags.astype(np.uint8), tuple(words))

    @property
    def seconds(self) -> Ints:
        """The seconds of each row from the session's open, rounded down."""
        return self.at // SECOND_NS

    @property
    def derived(self) -> bool:
        """Made from bars, all of them."""
        return bool(len(self) and (self.flags & DERIVED).all())

    def take(self, index: NDArray[Any] | slice) -> TickColumns:
        return replace(
            self,
            at=self.at[index],
            values=self.values[:, index],
            codes=self.codes[:, index],
            flags=self.flags[index],
        )

    def value(self, name: str) -> Floats:
        row: Floats = self.values[KINDS[self.kind].values.index(name)]
        return row

    def code(self, name: str) -> Codes:
        row: Codes = self.codes[KINDS[self.kind].codes.index(name)]
        return row

    def with_words(self, words: Sequence[str]) -> TickColumns:
        """The same rows under another dictionary; it has every word that a row uses."""
        if tuple(words) == self.words:
            return self
        index = {word: i for i, word in enumerate(words)}
        mapping = np.array([index.get(word, 0) for word in self.words], np.int32)
        return replace(self, codes=mapping[self.codes], words=tuple(words))

    def compact(self) -> TickColumns:
        """Under the smallest dictionary, sorted: the same rows have the same bytes, wherever they came from."""
        used = {self.words[code] for code in np.unique(self.codes)}
        return self.with_words(("", *sorted(used - {""})))

    def content_hash(self) -> str:
        """SHA-256 over the rows; equal exactly when the rows are."""
        rows = self.compact()
        digest = hashlib.sha256("\0".join(rows.words).encode())
        values = np.where(np.isnan(rows.values), np.nan, rows.values)  # one NaN, one hash
        for column in (rows.at, values, rows.codes, rows.flags):
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()


def no_ticks(kind: str) -> TickColumns:
    v, c = len(KINDS[kind].values), len(KINDS[kind].codes)
    nothing = np.empty(0, np.int64), np.empty((v, 0)), np.empty((c, 0), np.int32), np.empty(0, np.uint8)
    return TickColumns(kind, *nothing)


def join_ticks(kind: str, parts: Sequence[TickColumns]) -> TickColumns:
    """The parts' rows end to end, under one dictionary."""
    if not parts:
        return no_ticks(kind)
    words = ("", *sorted({word for part in parts for word in part.words} - {""}))
    same = [part.with_words(words) for part in parts]
    return TickColumns(
        kind,
        np.concatenate([part.at for part in same]),
        np.concatenate([part.values for part in same], axis=1),
        np.concatenate([part.codes for part in same], axis=1),
        np.concatenate([part.flags for part in same]),
        words,
    )
