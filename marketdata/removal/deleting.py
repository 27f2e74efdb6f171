"""Delete a dataset, a symbol or days of it: all versions of all kinds, or nothing where a session needs one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Max, Min, QuerySet, Sum

from marketdata.errors import MarketDataError
from marketdata.models import Dataset, DayVersion, FetchAttempt, Instrument
from marketdata.plurals import counted
from marketdata.removal.needed import in_words, pinned_by, protecting, sessions_of, unused_instruments
from marketdata.store import spelled, writing

SHOWN_SYMBOLS = 20
DELETE_CHUNKS = "DELETE FROM marketdata_daychunk WHERE day_id = ANY(%s)"
BATCH = 1_000
Days = QuerySet[DayVersion]
Progress = Callable[[int], None]
"""Takes how many versions are gone; the transaction is not over then."""
DELETE_DAYS = "DELETE FROM marketdata_dayversion WHERE id = ANY(%s)"


class CannotRemove(MarketDataError):
    """What is asked for does not exist, or something needs it. Nothing was changed.

    `sessions`: those that need it; `partly`: other days could go all the same. How is said by CLI, API and admin alone.
    """

    def __init__(self, message: str, sessions: Iterable[int] = (), *, partly: bool = False) -> None:
        super().__init__(message)
        self.sessions, self.partly = sorted(set(sessions)), partly


@dataclass(frozen=True, slots=True)
class Deleted:
    """What goes, or would go; `versions` counts every version of every kind."""

    dataset: str
    symbols: tuple[str, ...]
    first: dt.date | None
    last: dt.date | None
    versions: int
    rows: int
    whole_dataset: bool

    def as_dict(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset,
            "symbols": list(self.symbols),
            "first": self.first.isoformat() if self.first else None,
            "last": self.last.isoformat() if self.last else None,
            "versions": self.versions,
            "rows": self.rows,
            "whole_dataset": self.whole_dataset,
        }


def summary(found: Deleted) -> str:
    """5 versions of AAPL, MSFT, 2025-07-02 to 2025-07-03, 1,950 rows."""
    names = ", ".join(found.symbols[:SHOWN_SYMBOLS])
    more = f" and {len(found.symbols) - SHOWN_SYMBOLS} more" if len(found.symbols) > SHOWN_SYMBOLS else ""
    dates = (
        "" if found.first is None else f", {found.first}" + (f" to {found.last}" if found.last != found.first else "")
    )
    whole = ", and the dataset itself" if found.whole_dataset else ""
    versions, rows = counted(found.versions, "version"), counted(found.rows, "row")
    return f"{versions} of {names or 'no symbol'}{more}{dates}, {rows}{whole}"


def delete_data(
    dataset: str,
    symbol: str = "",
    start: dt.date | None = None,
    end: dt.date | None = None,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Deleted:
    """Delete what is named: the dataset, with a symbol that symbol's days, with a date those of that date.

    `end`: the last date; without it only `start`. Raises CannotRemove, naming the sessions that need a day.
    """
    row = _dataset(dataset)
    with writing(row.pk):
        days = _days(row, symbol, start, end)
        whole = not symbol and start is None
        if not whole and not days.exists():
            raise CannotRemove(f"{dataset} has no days of {_words(symbol, start, end)}.")
        _refuse_needed(row, days, whole)
        deleted = _deleted(dataset, days, whole)
        if not dry_run:
            remove_days(_in_batches(days), progress)
            _delete_rest(row, deleted.symbols, start, end, whole)
    return deleted


def named(dataset: str, symbol: str = "", start: dt.date | None = None, end: dt.date | None = None) -> Deleted:
    """What is named, whether it can go or not: to be had at once, however much it is. Raises CannotRemove."""
    days = _days(_dataset(dataset), symbol, start, end)
    return _deleted(dataset, days, whole=not symbol and start is None)


def _deleted(dataset: str, days: Days, whole: bool) -> Deleted:
    sums = days.aggregate(first=Min("date"), last=Max("date"), versions=Count("pk"), rows=Sum("row_count"))
    symbols = tuple(days.order_by("instrument__symbol").values_list("instrument__symbol", flat=True).distinct())
    return Deleted(dataset, symbols, sums["first"], sums["last"], sums["versions"], sums["rows"] or 0, whole)


def _dataset(name: str) -> Dataset:
    found = Dataset.objects.filter(name=name).first()
    if found is None:
        names = ", ".join(Dataset.objects.values_list("name", flat=True)) or "none yet"
        raise CannotRemove(f"There is no dataset {name!r}: there are {names}.")
    return found


def _days(dataset: Dataset, symbol: str, start: dt.date | None, end: dt.date | None) -> Days:
    days = DayVersion.objects.filter(dataset=dataset)
    if symbol:
        days = days.filter(instrument__symbol__in=spelled([symbol]))
    if start:
        days = days.filter(date__gte=start, date__lte=end or start)
    return days


def _words(symbol: str, start: dt.date | None, end: dt.date | None) -> str:
    dates = f" from {start} to {end}" if start and end and end != start else f" on {start}" if start else ""
    return (symbol or "any symbol") + dates


def _refuse_needed(dataset: Dataset, days: Days, whole: bool) -> None:
    held = pinned_by(days)
    if held:
        raise CannotRemove(f"{in_words(held).capitalize()} pinned days of it: delete {_them(held)} first.", held)
    if whole and (opened := sessions_of(dataset)):
        words = in_words(opened).capitalize()
        raise CannotRemove(f"{words} were opened on {dataset.name}: delete {_them(opened)} first.", opened)


def _them(sessions: Any) -> str:
    return "it" if len(sessions) == 1 else "them"


def _delete_rest(
    dataset: Dataset,
    symbols: Sequence[str],
    start: dt.date | None,
    end: dt.date | None,
    whole: bool,
) -> None:
    if whole:
        dataset.delete()
    else:
        attempts = FetchAttempt.objects.filter(dataset=dataset, instrument__symbol__in=symbols)
        if start:
            attempts = attempts.filter(date__gte=start, date__lte=end or start)
        attempts.delete()
    if start is None:
        remove_instruments(symbols)


def _in_batches(days: Days) -> Iterator[list[int]]:
    """Their numbers, never all at once: a store may have millions."""
    numbers, last = days.order_by("pk").values_list("pk", flat=True), 0
    while batch := list(numbers.filter(pk__gt=last)[:BATCH]):
        yield batch
        last = batch[-1]


def remove_days(batches: Iterable[list[int]], progress: Progress | None = None) -> None:
    """In the caller's transaction. Raises CannotRemove where a session has pinned one in this moment."""
    gone = 0
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            for batch in batches:
                cursor.execute(DELETE_CHUNKS, [batch])
                cursor.execute(DELETE_DAYS, [batch])
                gone += len(batch)
                if progress:
                    progress(gone)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except IntegrityError:
        raise CannotRemove("A session has just begun to play a day of it: ask again.") from None


def remove_instruments(symbols: Iterable[str]) -> None:
    """Those that nothing refers to any more."""
    Instrument.objects.filter(pk__in=list(unused_instruments(symbols).values_list("pk", flat=True))).delete()


def remove_dataset_if_empty(dataset: Dataset) -> None:
    relations = protecting(Dataset)
    if not any(r.related_model._default_manager.filter(**{r.field.name: dataset}).exists() for r in relations):
        dataset.delete()
