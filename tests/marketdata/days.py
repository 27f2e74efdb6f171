"""Stored days for tests, and what only a test does to them: changes behind the store's back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from marketdata import store
from marketdata.columns import BarColumns, packed
from marketdata.models import DayChunk, DayVersion


@contextmanager
def changes_allowed() -> Iterator[None]:
    """The database refuses changes of stored versions; not in here."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")


def change_fields(days: Any = None, **fields: Any) -> None:
    """Other fields of these versions; all of them by default."""
    with changes_allowed():
        (DayVersion.objects.all() if days is None else days).update(**fields)


def change_bars(day: DayVersion, bars: BarColumns) -> None:
    """Other bars under a hash and a ledger that stay as they are."""
    with changes_allowed():
        DayChunk.objects.filter(day=day).update(cells=packed(bars), row_count=len(bars))
        DayVersion.objects.filter(pk=day.pk).update(row_count=len(bars))


def bars_of(day: DayVersion) -> BarColumns:
    (loaded,) = store.load_rows([day.pk])
    return loaded.bars
