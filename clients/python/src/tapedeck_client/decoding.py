"""Answers of the API as dataclasses, by their fields' types: missing fields are None, unknown ones are left out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import lru_cache, partial
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from tapedeck_client.moments import moment

T = TypeVar("T")
Convert = Callable[[Any], Any]


def decode(kind: type[T], row: Mapping[str, Any]) -> T:
    """A dataclass of an answer's object."""
    shape: Any = kind
    return kind(**{name: convert(row.get(name)) for name, convert in _converters(shape).items()})


@lru_cache(maxsize=64)
def _converters(shape: Any) -> Mapping[str, Convert]:
    hints = get_type_hints(shape)
    return {field.name: _converter(hints[field.name]) for field in fields(shape)}


def _converter(hint: Any) -> Convert:
    """What makes a value of this type of the JSON's; null stays None, or becomes an empty tuple."""
    if isinstance(hint, UnionType):
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    if get_origin(hint) is tuple:
        inner = _converter(get_args(hint)[0])
        return lambda values: tuple(map(inner, values or ()))
    if hint is dt.datetime:
        return _or_none(moment)
    if hint is Decimal or hint is int:
        return _or_none(hint)
    if hint is dt.date:
        return _or_none(dt.date.fromisoformat)
    if isinstance(hint, type) and is_dataclass(hint):
        return _or_none(partial(decode, hint))
    return lambda value: value


def _or_none(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)
