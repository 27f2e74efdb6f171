"""Advisory locks of Postgres: what each number stands for, and work that one process does at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from django.db import connection
from psycopg.pq import TransactionStatus


class Locks(IntEnum):
    """The first number of a lock; the second says which dataset, session or key, and is 0 for the installation."""

    UPKEEP = 0x7A9E
    OPENING = 0x7A9F
    ANNOUNCING = 0x7AA0
    VERIFYING = 0x7AA1
    UPLOAD = 0x7AFF
    WRITE = 0x7AFE
    FETCH = 0x7AFD
    REMOVAL = 0x7AFC


HELD = """
SELECT EXISTS (
  SELECT FROM pg_locks
   WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND objsubid = 2
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


@contextmanager
def alone(space: Locks, key: int) -> Iterator[bool]:
    """Whether no other process is at it: a lock that ends with the block, or with the process."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [space, key])
        (mine,) = cursor.fetchone()
        try:
            yield mine
        finally:
            drop_if_busy()
            if mine:
                with connection.cursor() as again:
                    again.execute("SELECT pg_advisory_unlock(%s, %s)", [space, key])


def is_held(space: Locks, key: int) -> bool:
    """Whether some process is at it at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(HELD, [space, key])
        return bool(cursor.fetchone()[0])


def drop_if_busy() -> None:
    """Close the connection where an interrupt came in the midst of a command: it would take no other one."""
    held = connection.connection
    if held is not None and not held.closed and held.info.transaction_status == TransactionStatus.ACTIVE:
        connection.close()
