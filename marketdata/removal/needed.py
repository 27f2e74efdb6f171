"""What other tables still need: sessions pin the days that they play, and the database protects those."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import models

from marketdata.models import Dataset, DayVersion, Instrument

SHOWN = 20


def protecting(model: type[models.Model]) -> list[Any]:
    """The relations whose rows keep a row of the model from being deleted."""
    return [relation for relation in model._meta.related_objects if relation.on_delete is models.PROTECT]


def pinned(days: Sequence[int]) -> dict[int, set[int]]:
    """Day → the sessions that pinned it, of these days. Every table that protects days says whose its rows are."""
    found: dict[int, set[int]] = {}
    for relation in protecting(DayVersion):
        rows = relation.related_model._default_manager.filter(**{f"{relation.field.name}__in": days})
        for day, session in rows.values_list(relation.field.attname, "session").distinct():
            found.setdefault(day, set()).add(session)
    return found


def pinned_by(days: models.QuerySet[DayVersion]) -> set[int]:
    """The sessions that pinned any of these days, however many they are."""
    found: set[int] = set()
    for relation in protecting(DayVersion):
        rows = relation.related_model._default_manager.filter(**{f"{relation.field.name}__in": days.values("pk")})
        found |= set(rows.values_list("session", flat=True).distinct())
    return found


def unused_instruments(symbols: Iterable[str]) -> models.QuerySet[Instrument]:
    """The instruments of these symbols that nothing refers to."""
    rows = Instrument.objects.filter(symbol__in=list(symbols))
    for relation in protecting(Instrument):
        there = relation.related_model._default_manager.filter(**{relation.field.name: models.OuterRef("pk")})
        rows = rows.filter(~models.Exists(there))
    return rows


def sessions_of(dataset: Dataset) -> list[int]:
    """Sessions that were opened on it, whether they have pinned a day or not."""
    found: set[int] = set()
    for relation in protecting(Dataset):
        if relation.related_model is not DayVersion:
            rows = relation.related_model._default_manager.filter(**{relation.field.name: dataset})
            found |= set(rows.values_list("pk", flat=True))
    return sorted(found)


def in_words(sessions: Iterable[int]) -> str:
    """session 3; sessions 3, 4 and 20 more."""
    numbers = sorted(set(sessions))
    more = f" and {len(numbers) - SHOWN:,} more" if len(numbers) > SHOWN else ""
    return f"session{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers[:SHOWN]))}{more}"
