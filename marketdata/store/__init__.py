"""The store: whole days in and out of Postgres, as columns, and questions about what it has."""

from marketdata.store.chunks import Spans, load_between, load_chunk, load_range, load_ticks, row_range, spans, stamps
from marketdata.store.database import binary_cursor, writing
from marketdata.store.find import (
    bar_counts,
    choose_dataset,
    current_rows,
    current_rows_on,
    dataset_named,
    dates_with,
    find_days,
    find_versions,
    have,
    newest_date,
    stored_day,
)
from marketdata.store.instruments import (
    DifferentCalendars,
    ensure_instruments,
    exchange_of,
    require_exchange,
    spelled,
    spelled_as,
)
from marketdata.store.load import (
    BoundedDay,
    load_bounded_days,
    load_day,
    load_other_content,
    load_rows,
    load_versions,
)
from marketdata.store.stored_days import Key, LoadedDay, NewDay, StoredDay, WriteReport, Written
from marketdata.store.write import write_days

__all__ = [
    "BoundedDay",
    "DifferentCalendars",
    "Key",
    "LoadedDay",
    "NewDay",
    "Spans",
    "StoredDay",
    "WriteReport",
    "Written",
    "bar_counts",
    "binary_cursor",
    "choose_dataset",
    "current_rows",
    "current_rows_on",
    "dataset_named",
    "dates_with",
    "ensure_instruments",
    "exchange_of",
    "find_days",
    "find_versions",
    "have",
    "load_between",
    "load_bounded_days",
    "load_chunk",
    "load_day",
    "load_other_content",
    "load_range",
    "load_rows",
    "load_ticks",
    "load_versions",
    "newest_date",
    "require_exchange",
    "row_range",
    "spans",
    "spelled",
    "spelled_as",
    "stamps",
    "stored_day",
    "write_days",
    "writing",
]
