"""Rows of trades or quotes as numbers, to compare those of two files, or of a file and the store."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from marketdata.columns import TickColumns

MIX = np.uint64(0x9E3779B97F4A7C15)


def digests(rows: TickColumns) -> NDArray[np.uint64]:
    """A 64-bit digest of each row, whatever its file's dictionary: equal rows have equal ones."""
    words = np.array([int.from_bytes(sha256(word.encode()).digest()[:8], "big") for word in rows.words], np.uint64)
    values = np.where(np.isnan(rows.values), np.nan, rows.values).view(np.uint64)
    key = rows.flags.astype(np.uint64)
    for column in (rows.at.view(np.uint64), *values, *words[rows.codes]):
        key = (key ^ column) * MIX
        key ^= key >> np.uint64(29)
    return key
