"""A window onto one symbol's stored days of one kind: which dataset answers, and with which days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from marketdata.models import Dataset, DayVersion, DayVersionQuerySet, Scope

Moment = dt.date | dt.datetime
"""A trading day, which stands for all of it, or an instant."""


class WindowError(ValueError):
    """A window that cannot be answered; `field` is the part that it is about."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What is asked for. Days count entirely; moments bound the rows' times, the end excluded."""

    symbol: str
    scope: str = Scope.REGULAR
    start: Moment | None = None
    end: Moment | None = None
    dataset: str = ""

    def stored(self) -> DayVersionQuerySet:
        return DayVersion.objects.current().filter(instrument__symbol=self.symbol, scope=self.scope)

    def within(self, rows: QuerySet[DayVersion]) -> QuerySet[DayVersion]:
        return days_within(rows, self.start, self.end)

    def choose(self, rows: QuerySet[DayVersion], what: str) -> Dataset:
        """The dataset asked for, else the best of those with days in the window, else of all. Raises WindowError."""
        if self.dataset:
            return Dataset.objects.get(name=self.dataset)
        best = best_dataset(self.within(rows)) if self.start or self.end else None
        best = best or best_dataset(rows)
        if best is None:
            hint = "import some, or look in the admin."
            raise WindowError("symbol", f"No dataset has {what} of {self.symbol}: {hint}")
        return Dataset.objects.get(pk=best)

    def days(self, rows: QuerySet[DayVersion], dataset: Dataset) -> list[DayVersion]:
        """Its days in the window, oldest first, recorded ones rather than those made from bars."""
        days = self.within(rows.filter(dataset=dataset)).order_by("date", "-derived")
        return list({day.date: day for day in days}.values())


def date_of(moment: Moment) -> dt.date:
    return moment.astimezone(dt.UTC).date() if isinstance(moment, dt.datetime) else moment


def days_within(rows: QuerySet[DayVersion], start: Moment | None, end: Moment | None) -> QuerySet[DayVersion]:
    """Whole days, without bounds the latest; a day more for a moment, as UTC and the exchange's date may differ."""
    if start is None and end is None:
        return rows.filter(date=rows.order_by("-date").values("date")[:1])
    if start is not None:
        rows = rows.filter(date__gte=date_of(start) - _slack(start))
    return rows.filter(date__lte=date_of(end) + _slack(end)) if end is not None else rows


def best_dataset(rows: QuerySet[DayVersion]) -> int | None:
    """Real before synthetic, then the one with the most of these days; None where there are none."""
    counted = rows.order_by().values("dataset").annotate(days=Count("pk"))
    best = counted.order_by("dataset__synthetic", "-days", "dataset").first()
    return best["dataset"] if best else None


def _slack(moment: Moment) -> dt.timedelta:
    return dt.timedelta(days=1 if isinstance(moment, dt.datetime) else 0)


def second_of(moment: Moment | None) -> float | None:
    """A moment's second; a date bounds whole days and no seconds."""
    return moment.timestamp() if isinstance(moment, dt.datetime) else None
