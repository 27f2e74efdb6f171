"""What a test wrote is deleted table by table: Django's own way takes longer than many a test.

It truncates every table, each some files, and makes content types, permissions and roles anew.
"""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import TransactionTestCase

MIGRATED = ("auth_group", "auth_group_permissions", "auth_permission", "django_content_type", "django_migrations")
"""Tables that have rows before any test."""
TRIES = 5
"""A worker that lives longer than a test may write a row that points at one which goes, or hold it locked."""
set_up = TransactionTestCase._fixture_setup.__func__  # type: ignore[attr-defined]
tear_down = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
before: list[str] = []
"""What the migrated tables have, once it was looked at."""


def install() -> None:
    """For every test whose rows others can see."""
    TransactionTestCase._fixture_setup = classmethod(_set_up)  # type: ignore[attr-defined]
    TransactionTestCase._fixture_teardown = _tear_down  # type: ignore[attr-defined]


def _set_up(cls: type[TransactionTestCase]) -> None:
    set_up(cls)
    if not before:
        before.append(_migrated())


def _tear_down(self: TransactionTestCase) -> None:
    if _migrated() != before[0]:
        tear_down(self)  # the test changed what a migration wrote: it is written again
        return
    for tries_left in range(TRIES - 1, -1, -1):
        try:
            _delete_rows()
        except (IntegrityError, OperationalError):
            if not tries_left:
                raise
        else:
            return


def _delete_rows() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(" ".join(f'DELETE FROM "{table}";' for table in _with_rows()))


def _with_rows() -> list[str]:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    written = (table for table in tables if table not in MIGRATED)
    return _column(" UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in written))


def _migrated() -> str:
    """A hash of all rows."""
    rows = " UNION ALL ".join(f"SELECT '{table}' AS name, t::text AS row FROM \"{table}\" t" for table in MIGRATED)
    return str(_column(f"SELECT md5(string_agg(name || row, '' ORDER BY name, row)) FROM ({rows}) AS found")[0])


def _column(question: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return [row[0] for row in cursor.fetchall()]
