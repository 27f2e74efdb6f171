"""Columns as one block of bytes: narrow integers wherever they give back exactly the same numbers.

A block has a head for each array of columns, then their cells. A head is, little-endian: the cells' form (one byte:
their width in bytes, or one of the names below), the decimals (one byte), two bytes of nothing, where the cells begin
in the block (uint32), `base` and `step` (int64). An integer cell c stands for (base + step × c) / 10**decimals.
The SQL of the views reads the same form.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEAD = struct.Struct("<BBxxIqq")
FIELDS = 5
FLOAT, SEQUENCE, ABSENT, SOME_ABSENT = 9, 14, 15, 16
"""Cells of float64; no cells, each row's is its place; no cells, all absent; added: the highest cell is absent."""
MOST_DECIMALS = 6
SCALES = tuple(10.0**decimals for decimals in range(MOST_DECIMALS + 1))
EXACT = 2.0**52
"""Below it scaled numbers and their differences are exact in float64."""
WIDTHS = (1, 2, 4)
CELLS = {width: np.dtype(f"<u{width}") for width in (*WIDTHS, 8)}

Column = NDArray[Any]
Group = tuple[bool, int]
"""Whether a packed array holds integers, and how many columns it has; 0 for one that is a column itself."""


def pack(columns: Sequence[Column]) -> bytes:
    """Columns of one length, of integers or of float64 with NaN for absent. Those of a 2D array share a head."""
    heads: list[bytes] = []
    parts: list[bytes] = []
    at = HEAD.size * len(columns)
    for column in columns:
        flat = column.ravel()
        form, decimals, base, step, cells = _float(flat) if flat.dtype.kind == "f" else _integer(flat)
        heads.append(HEAD.pack(form, decimals, at, base, step))
        parts.append(cells)
        at += len(cells)
    return b"".join((*heads, *parts))


Packed = tuple[int, int, int, int, bytes]
"""Form, decimals, base, step, cells."""


def _float(column: Column) -> Packed:
    values = np.ascontiguousarray(column, np.float64)
    absent = np.isnan(values)
    some = bool(absent.any())
    if some:
        if absent.all():
            return ABSENT, 0, 0, 0, b""
        present = values[~absent]
    else:
        present = values
    for decimals in (0, MOST_DECIMALS):
        whole = _whole(present, SCALES[decimals])
        if whole is not None:
            return _narrow(whole, decimals, absent if some else None)
    return FLOAT, 0, 0, 0, np.where(absent, np.nan, values).astype("<f8").tobytes()


def _whole(values: Column, scale: float) -> Column | None:
    """Integers that divided by `scale` are the values bit for bit; None where there are none."""
    with np.errstate(over="ignore"):
        scaled = np.rint(values * scale)
    if not len(values) or not np.abs(scaled).max() < EXACT:
        return None
    whole = scaled.astype(np.int64)
    same = (whole / scale).view(np.int64) == values.view(np.int64)
    return whole if same.all() else None


def _integer(column: Column) -> Packed:
    if not len(column):
        return 0, 0, 0, 1, b""
    whole = column.astype(np.int64)
    steps = np.diff(whole)
    if len(steps) and steps[0] and (steps == steps[0]).all():
        return SEQUENCE, 0, int(whole[0]), int(steps[0]), b""
    return _narrow(whole, 0, None)


def _narrow(whole: Column, decimals: int, absent: NDArray[np.bool_] | None) -> Packed:
    low, high = int(whole.min()), int(whole.max())
    base, step, most = 0, 1, high
    if decimals or low < 0 or _width(most) > 1:
        above = whole - low
        base, step = low, int(np.gcd.reduce(above)) or 1
        most = (high - low) // step
        if low % step == 0 and low >= 0 and _width(high // step) == _width(most):
            base, most = 0, high // step  # nothing to add on the way out
    cells = (whole - base) // step
    while decimals and step % 10 == 0 and base % 10 == 0:
        decimals, base, step = decimals - 1, base // 10, step // 10
    if absent is None:
        if not most:
            return 0, decimals, base, step, b""
    else:
        spread = np.full(len(absent), -1, np.int64)
        spread[~absent] = cells
        cells = spread
    width = _width(most)
    form = width | (SOME_ABSENT if absent is not None else 0)
    return form, decimals, base, step, cells.astype(CELLS[width]).tobytes()


def _width(most: int) -> int:
    """Bytes of a cell; its highest value is left for absent numbers."""
    return next((width for width in WIDTHS if most < (1 << 8 * width) - 1), 8)


def unpack(block: bytes, count: int, layout: Sequence[Group]) -> list[Column]:
    """What `pack` made of columns of `count` rows; `layout` says which of them."""
    found = []
    heads = _heads(len(layout)).unpack_from(block)
    for place, (integer, columns) in enumerate(layout):
        head = heads[FIELDS * place : FIELDS * (place + 1)]
        values = (_integers if integer else _floats)(block, count * (columns or 1), *head)
        found.append(values.reshape(columns, count) if columns else values)
    return found


@cache
def _heads(count: int) -> struct.Struct:
    return struct.Struct("<" + count * HEAD.format.removeprefix("<"))


def _floats(block: bytes, count: int, form: int, decimals: int, at: int, base: int, step: int) -> Column:
    width = form & ~SOME_ABSENT
    if width not in CELLS:
        return _floats_of_no_cells(block, count, width, base / SCALES[decimals], at)
    cells = np.frombuffer(block, CELLS[width], count, at)
    values = cells.astype(np.float64) if step == 1 else cells * float(step)
    if base:
        values += base
    if decimals:
        values /= SCALES[decimals]
    if form & SOME_ABSENT:
        values[cells == np.iinfo(cells.dtype).max] = np.nan
    return values


def _floats_of_no_cells(block: bytes, count: int, form: int, base: float, at: int) -> Column:
    if form == FLOAT:
        return np.frombuffer(block, "<f8", count, at)
    return np.full(count, np.nan if form == ABSENT else base)


def _integers(block: bytes, count: int, form: int, _: int, at: int, base: int, step: int) -> Column:
    if form not in CELLS:
        return np.arange(base, base + step * count, step) if form == SEQUENCE else np.full(count, base, np.int64)
    values = np.frombuffer(block, CELLS[form], count, at).astype(np.int64)
    if step != 1:
        values *= step
    if base:
        values += base
    return values
