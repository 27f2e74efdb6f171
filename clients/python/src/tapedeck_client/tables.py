"""Records as a sequence that becomes a DataFrame where one is asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from tapedeck_client.market_records import Bar, Quote, Revision, Trade

if TYPE_CHECKING:
    import pandas
    import polars

Record = TypeVar("Record", Bar, Revision, Trade, Quote)
MOMENTS = ("start", "end")
TEXTS = ("symbol", "interval", "exchange", "bid_exchange", "ask_exchange", "condition")
FLAGS = ("complete", "suspicious", "corrected", "synthetic")
COUNTS = ("n_present", "n_expected", "version")


class Table(tuple[Record, ...]):
    """Records of one kind, oldest first: a tuple of dataclasses."""

    kind: type[Record]
    clock: dt.datetime | None
    """The session's clock that they are as of, where they come from a session."""

    @classmethod
    def of(cls, kind: type[Record], records: Iterable[Record], clock: dt.datetime | None = None) -> Table[Record]:
        table = cls(records)
        table.kind, table.clock = kind, clock
        return table

    def columns(self) -> dict[str, list[Any]]:
        """One list per column; trades and quotes have the exact stamp as `at`, in nanoseconds since 1970."""
        names = [field.name for field in fields(self.kind)]
        found = {name: [getattr(record, name) for record in self] for name in names}
        if "at_ns" in found:
            found["at"] = found.pop("at_ns")
        return found

    def to_pandas(self) -> pandas.DataFrame:
        """A DataFrame with a row per record and times as `datetime64[ns, UTC]`. Needs pandas."""
        import pandas

        kinds = {TEXTS: "str", FLAGS: "boolean", COUNTS: "Int64"}
        frame: dict[str, pandas.Series[Any]] = {}
        for name, values in self.columns().items():
            if name in MOMENTS or name == "at":
                stamps = pandas.to_datetime(
                    pandas.Series(values, dtype="object" if name != "at" else "int64"), utc=True
                )
                frame[name] = stamps.astype("datetime64[ns, UTC]")
            else:
                frame[name] = pandas.Series(
                    values, dtype=next((kind for of, kind in kinds.items() if name in of), "float64")
                )
        return pandas.DataFrame(frame)

    def to_polars(self) -> polars.DataFrame:
        """A DataFrame with a row per record and times as `Datetime("ns", "UTC")`. Needs polars."""
        import polars

        stamp = polars.Datetime("ns", "UTC")
        kinds: dict[tuple[str, ...], Any] = {
            (*MOMENTS, "at"): stamp,
            TEXTS: polars.String,
            FLAGS: polars.Boolean,
            COUNTS: polars.Int64,
        }
        schema = {
            name: next((kind for of, kind in kinds.items() if name in of), polars.Float64) for name in self.columns()
        }
        return polars.DataFrame(self.columns(), schema=schema, strict=False)
