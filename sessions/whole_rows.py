"""Rows of models in plain SQL, for what every order asks: the ORM puts its statements together anew each time.

Several statements go in one trip, and the models stay the only place where columns are named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connection, models
from psycopg import sql

M = TypeVar("M", bound=models.Model)


class Statement(NamedTuple):
    text: str
    values: Sequence[Any]


def execute(statements: Iterable[Statement]) -> None:
    """All of them in one trip; errors are Django's. In autocommit they are one transaction."""
    statements = list(statements)
    if statements:
        with connection.cursor() as cursor:
            text = ";\n".join(statement.text for statement in statements)
            cursor.execute(text, [value for statement in statements for value in statement.values])


class WholeRows(Generic[M]):
    """How one model's rows are read and written. What Postgres has a default for is left to it."""

    def __init__(self, model: type[M]) -> None:
        meta = model._meta
        self.model, self.fields = model, meta.concrete_fields
        self.names = [field.attname for field in self.fields]
        self.written = [field for field in self.fields if not (field.has_db_default() or _is_serial(field))]
        self.table, self.key = _named(meta.db_table), _named(meta.pk.column)
        columns = ", ".join(_named(field.column) for field in self.written)
        self.begin, self.row = f"INSERT INTO {self.table} ({columns}) VALUES", ", ".join(["%s"] * len(self.written))

    def columns(self, alias: str) -> str:
        """All of them, for a SELECT."""
        return ", ".join(f"{alias}.{_named(field.column)}" for field in self.fields)

    def take(self, values: Iterator[Any]) -> M:
        """The row that the next values are, in the order of `columns`."""
        found = [_read(field, next(values)) for field in self.fields]
        return self.model.from_db(connection.alias, self.names, found)

    def read(self, statement: str, values: Sequence[Any]) -> list[M]:
        """What a SELECT of the `columns` finds."""
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return [self.take(iter(row)) for row in cursor.fetchall()]

    def insert(self, rows: Sequence[M], conflict: str = "") -> list[Statement]:
        """Nothing where there are none. `conflict`: what becomes of those that are there, in SQL."""
        if not rows:
            return []
        values = [_written(field, field.pre_save(row, add=True)) for row in rows for field in self.written]
        places = ", ".join([f"({self.row})"] * len(rows))
        return [Statement(f"{self.begin} {places} {conflict}", values)]

    def update(self, keys: Collection[Any], **values: Any) -> list[Statement]:
        """Of the rows with these primary keys; by attribute names."""
        fields = [field for field in self.fields if field.attname in values]
        changes = ", ".join(f"{_named(field.column)} = %s" for field in fields)
        written = [_written(field, values[field.attname]) for field in fields]
        text = f"UPDATE {self.table} SET {changes} WHERE {self.key} = ANY(%s)"  # noqa: S608 - names of columns
        return [Statement(text, [*written, list(keys)])]


def _named(column: str | None) -> str:
    assert column is not None, "only fields without a column have none"
    return sql.Identifier(column).as_string(None)


def _is_serial(field: models.Field[Any, Any]) -> bool:
    return field.primary_key and isinstance(field, models.AutoField)


def _read(field: models.Field[Any, Any], value: Any) -> Any:
    convert = getattr(field, "from_db_value", None)
    return convert(value, None, connection) if convert else value


def _written(field: Any, value: Any) -> Any:
    return field.get_db_prep_save(value, connection)
