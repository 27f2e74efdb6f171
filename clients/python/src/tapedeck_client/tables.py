"""Records as a sequence that becomes a DataFrame where one is asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import fields
from decimal import Decimal
from functools import lru_cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from tapedeck_client.extras import extra

if TYPE_CHECKING:
    import pandas
    import polars

Record = TypeVar("Record")
EXACT_STAMP = "at_ns"
"""The field with all digits of a record's `at`."""
NUMBERS = frozenset({int, float, Decimal})
PANDAS_TYPES: Mapping[type, str] = {str: "str", bool: "boolean", int: "Int64", float: "float64"}


class Table(tuple[Record, ...]):
    """Records of one kind: a tuple of dataclasses, oldest first unless it says otherwise."""

    kind: type[Record]
    clock: dt.datetime | None
    """The session's clock that they are as of, where they come with one."""

    @classmethod
    def of(cls, kind: type[Record], records: Iterable[Record], clock: dt.datetime | None = None) -> Table[Record]:
        table = cls(records)
        table.kind, table.clock = kind, clock
        return table

    def columns(self) -> dict[str, list[Any]]:
        """One list per column; trades and quotes have the exact stamp as `at`, in nanoseconds since 1970."""
        found = {name: [getattr(record, name) for record in self] for name in _names(self.kind)}
        if EXACT_STAMP in found:
            found["at"] = found.pop(EXACT_STAMP)
        return found

    def to_pandas(self) -> pandas.DataFrame:
        """A DataFrame with a row per record, times as `datetime64[ns, UTC]`, amounts as `float64`.

        Raises MissingExtra without pandas.
        """
        with extra("pandas", "pandas", "to_pandas()"):
            import pandas

        frame: dict[str, pandas.Series[Any]] = {}
        for name, (kind, values) in self._typed_columns().items():
            if kind is dt.datetime:
                exact = EXACT_STAMP in _names(self.kind)
                stamps = pandas.to_datetime(pandas.Series(values, dtype="int64" if exact else "object"), utc=True)
                frame[name] = stamps.astype("datetime64[ns, UTC]")
            else:
                frame[name] = pandas.Series(values, dtype=PANDAS_TYPES[kind])
        return pandas.DataFrame(frame)

    def to_polars(self) -> polars.DataFrame:
        """A DataFrame with a row per record, times as `Datetime("ns", "UTC")`, amounts as `Float64`.

        Raises MissingExtra without polars.
        """
        with extra("polars", "polars", "to_polars()"):
            import polars

        types: dict[type, Any] = {
            dt.datetime: polars.Datetime("ns", "UTC"),
            str: polars.String,
            bool: polars.Boolean,
            int: polars.Int64,
            float: polars.Float64,
        }
        columns = self._typed_columns()
        schema = {name: types[kind] for name, (kind, _) in columns.items()}
        return polars.DataFrame({name: values for name, (_, values) in columns.items()}, schema=schema, strict=False)

    def _typed_columns(self) -> dict[str, tuple[type, list[Any]]]:
        """Each column's type and values, amounts as floats."""
        shape: Any = self.kind
        kinds = _column_kinds(shape)
        return {
            name: (kinds[name], [None if value is None else float(value) for value in values])
            if kinds[name] is float
            else (kinds[name], values)
            for name, values in self.columns().items()
        }


def _names(shape: Any) -> list[str]:
    return [field.name for field in fields(shape)]


@lru_cache(maxsize=64)
def _column_kinds(shape: Any) -> Mapping[str, type]:
    """By field: datetime, str, bool, int, or float for every number that may have a fraction."""
    hints = get_type_hints(shape)
    return {name: _column_kind(hints[name]) for name in _names(shape)}


def _column_kind(hint: Any) -> type:
    parts = {*(get_args(hint) if isinstance(hint, UnionType) else [hint])} - {NoneType}
    if parts <= NUMBERS:
        return int if parts == {int} else float
    (kind,) = parts
    found: type = kind
    return found
