"""The store's way to Postgres: bytes as bytes, and one writer of a dataset at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection, transaction
from psycopg.pq import Format

from marketdata.locks import Locks

# Between two statements whole days are packed, which a busy machine takes its time for.
LOCK = "SELECT pg_advisory_xact_lock(%s, %s), set_config('idle_in_transaction_session_timeout', '5min', true)"


@contextmanager
def binary_cursor() -> Iterator[Any]:
    """A psycopg cursor on Django's connection that gets its results in binary; its errors are Django's."""
    connection.ensure_connection()
    # Django's own cursors bind on the client's side, which knows no binary results.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.format = Format.BINARY
        yield cursor


@contextmanager
def writing(dataset_id: int) -> Iterator[Any]:
    """A transaction in which no other process writes this dataset: two importers of a day must not make one version."""
    with transaction.atomic(), binary_cursor() as cursor:
        cursor.execute(LOCK, [Locks.WRITE.value, dataset_id])
        yield cursor
