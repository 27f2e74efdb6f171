"""Postgres arrays as numpy columns, both ways in the binary format.

One array on the wire is a head (dimensions, null flag, element type, length, lower bound) and per element a
four-byte length and a big-endian value: without nulls that is one structured `frombuffer`.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg.adapt import Buffer, Dumper, Loader
from psycopg.pq import Format

HEAD = struct.Struct(">iIIii")
FLOAT8, INT8, INT4 = 701, 20, 23
NULL_FLAG = 1
FORMS = {
    FLOAT8: np.dtype([("length", ">i4"), ("value", ">f8")]),
    INT8: np.dtype([("length", ">i4"), ("value", ">i8")]),
    INT4: np.dtype([("length", ">i4"), ("value", ">i4")]),
}


def pack(values: NDArray[Any], oid: int) -> bytes:
    """A one-dimensional column as a binary array; NaN becomes NULL."""
    if not len(values):
        return struct.pack(">iII", 0, 0, oid)
    null = np.isnan(values) if values.dtype.kind == "f" else None
    if null is not None and null.any():
        return _pack_with_nulls(values, null, oid)
    return pack_plain(values, oid)


def pack_plain(values: NDArray[Any], oid: int) -> bytes:
    """A column whose NaN stays NaN: without nulls it is read back in one go."""
    form = FORMS[oid]
    cells = np.empty(len(values), form)
    cells["length"] = form["value"].itemsize
    cells["value"] = values
    return HEAD.pack(1, 0, oid, len(values), 1) + cells.tobytes()


def _pack_with_nulls(values: NDArray[Any], null: NDArray[np.bool_], oid: int) -> bytes:
    cell = struct.Struct({FLOAT8: ">id", INT8: ">iq", INT4: ">ii"}[oid])
    size = FORMS[oid]["value"].itemsize
    none = struct.pack(">i", -1)
    kind = float if oid == FLOAT8 else int
    parts = [none if gone else cell.pack(size, kind(v)) for v, gone in zip(values, null, strict=True)]
    return HEAD.pack(1, NULL_FLAG, oid, len(values), 1) + b"".join(parts)


def unpack(data: Buffer) -> NDArray[Any]:
    """A binary array as a native column: int64, or float64 where it is one or holds nulls (NaN)."""
    dimensions, has_null, oid = struct.unpack_from(">iII", data)
    form = FORMS[oid]
    native: type[Any] = np.float64 if oid == FLOAT8 else np.int64
    if dimensions == 0:
        return np.empty(0, native)
    length = struct.unpack_from(">i", data, 12)[0]
    if has_null:
        return _unpack_with_nulls(data, length, oid)
    cells = np.frombuffer(data, form, length, HEAD.size)
    return cells["value"].astype(native)


def _unpack_with_nulls(data: Buffer, length: int, oid: int) -> NDArray[np.float64]:
    value = struct.Struct({FLOAT8: ">d", INT8: ">q", INT4: ">i"}[oid])
    column, at = np.full(length, np.nan), HEAD.size
    for i in range(length):
        (size,) = struct.unpack_from(">i", data, at)
        at += 4
        if size >= 0:
            (column[i],) = value.unpack_from(data, at)
            at += size
    return column


class ColumnLoader(Loader):
    """Registered on a cursor for float8[], int8[] and int4[]."""

    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[Any]:
        return unpack(bytes(data))


class Float8Column(bytes):
    """An already packed float8[]."""


class Int8Column(bytes):
    """An already packed int8[]."""


class Int4Column(bytes):
    """An already packed int4[]."""


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Any) -> Buffer:
        return obj  # type: ignore[no-any-return]


class Float8Dumper(_PackedDumper):
    oid = 1022


class Int8Dumper(_PackedDumper):
    oid = 1016


class Int4Dumper(_PackedDumper):
    oid = 1007


DUMPERS = {Float8Column: Float8Dumper, Int8Column: Int8Dumper, Int4Column: Int4Dumper}
LOADED = ("float8[]", "int8[]", "int4[]")


def register(adapters: Any) -> None:
    """Make a cursor speak columns."""
    for name in LOADED:
        adapters.register_loader(adapters.types[name.removesuffix("[]")].array_oid, ColumnLoader)
    for kind, dumper in DUMPERS.items():
        adapters.register_dumper(kind, dumper)
