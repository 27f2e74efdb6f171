"""Which days the store has: questions that read no rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db import connection
from django.db.models import Count, Max, Q

from marketdata.kinds import DayKind
from marketdata.models import Dataset, DayVersion, Scope
from marketdata.store.stored_days import StoredDay

CURRENT_MINUTES = """
SELECT d.date, i.symbol, d.id, d.row_count
  FROM marketdata_dayversion d JOIN marketdata_instrument i ON i.id = d.instrument_id
 WHERE d.dataset_id = %s AND d.date = ANY(%s) AND d.current AND d.kind = 'bars' AND d.interval = '1m'
   AND d.scope = %s AND i.symbol = ANY(%s)
"""


def interval_of(kind: str) -> str:
    """What days of the kind are played by: minutes, or single events."""
    return "1m" if kind == DayKind.BARS else ""


def find_days(
    dataset_id: int,
    kind: str,
    date: dt.date,
    symbols: Iterable[str],
    *,
    scope: str = Scope.REGULAR,
    derived: bool | None = None,
) -> dict[str, StoredDay]:
    """Symbol → the current version of that day, recorded before derived, for the symbols that have one."""
    days = (
        DayVersion.objects.current().of(kind, interval_of(kind)).filter(dataset_id=dataset_id, date=date, scope=scope)
    )
    if derived is not None:
        days = days.filter(derived=derived)
    rows = days.filter(instrument__symbol__in=list(symbols)).select_related("instrument")
    return {row.instrument.symbol: stored_day(row) for row in rows.order_by("-derived")}


def find_versions(version_ids: Sequence[int]) -> list[StoredDay]:
    """Exactly those versions, current or not: what a session has pinned."""
    if not version_ids:
        return []  # of a session of bars at each day
    rows = DayVersion.objects.filter(pk__in=list(version_ids)).select_related("instrument")
    return [stored_day(row) for row in rows.order_by("kind", "instrument__symbol")]


def stored_day(row: DayVersion) -> StoredDay:
    """The stored day of a row whose instrument is selected along."""
    return StoredDay(
        row.pk,
        row.instrument.symbol,
        row.instrument_id,
        row.kind,
        row.version,
        row.row_count,
        row.derived,
        row.ledger,
        row.content_hash,
    )


def dates_with(
    dataset_id: int, symbols: Sequence[str], interval: str = "1m", *, kind: str = DayKind.BARS
) -> list[dt.date]:
    """Dates, ascending, on which all the symbols have a current regular day of the kind."""
    interval = interval if kind == DayKind.BARS else ""
    days = DayVersion.objects.current().regular().of(kind, interval).filter(dataset_id=dataset_id)
    dates = days.filter(instrument__symbol__in=symbols).values("date").annotate(n=Count("instrument", distinct=True))
    return list(dates.filter(n=len(set(symbols))).order_by("date").values_list("date", flat=True))


def newest_date(dataset_id: int, symbols: Sequence[str], kinds: Sequence[str], until: dt.date) -> dt.date | None:
    """The newest date, `until` at the latest, with a current regular day of any of the symbols and kinds."""
    days = DayVersion.objects.current().regular().filter(dataset_id=dataset_id, kind__in=kinds, date__lte=until)
    days = days.filter(Q(interval="1m") | ~Q(kind=DayKind.BARS), instrument__symbol__in=symbols)
    newest: dt.date | None = days.aggregate(newest=Max("date"))["newest"]
    return newest


def current_rows(dataset_id: int, date: dt.date, symbols: Iterable[str], scope: str = Scope.REGULAR) -> dict[str, int]:
    """Symbol → the row of its current day of minutes, for the symbols that have one on that date."""
    return current_rows_on(dataset_id, [date], symbols, scope).get(date, {})


def current_rows_on(
    dataset_id: int, dates: Sequence[dt.date], symbols: Iterable[str], scope: str = Scope.REGULAR
) -> dict[dt.date, dict[str, int]]:
    """Date → symbol → the row, for the dates that have any."""
    found: dict[dt.date, dict[str, int]] = {}
    for date, symbol, row, _ in _current_minutes(dataset_id, dates, symbols, scope):
        found.setdefault(date, {})[symbol] = row
    return found


def bar_counts(dataset_id: int, date: dt.date, symbols: Iterable[str]) -> dict[str, int]:
    """Symbol → minutes of its current regular day, for the symbols that have one on that date."""
    return {symbol: count for _, symbol, _, count in _current_minutes(dataset_id, [date], symbols)}


def _current_minutes(
    dataset_id: int, dates: Sequence[dt.date], symbols: Iterable[str], scope: str = Scope.REGULAR
) -> list[tuple[dt.date, str, int, int]]:
    """(date, symbol, row, bars). The symbols go as one array: as a list of 500 values they cost more than the query."""
    with connection.cursor() as cursor:
        cursor.execute(CURRENT_MINUTES, [dataset_id, list(dates), str(scope), list(symbols)])
        return list(cursor.fetchall())


def have(dataset_id: int, date: dt.date, symbols: Iterable[str]) -> set[str]:
    """Those of the symbols that have a current regular day of minutes on that date."""
    return set(current_rows(dataset_id, date, symbols))


def choose_dataset(
    symbols: Sequence[str], date: dt.date | None = None, *, since: dt.date | None = None, until: dt.date | None = None
) -> Dataset | None:
    """The dataset for these symbols: real before synthetic, then the most complete, then the latest."""
    days = DayVersion.objects.current().regular().minutes().filter(instrument__symbol__in=symbols)
    given = {"date": date, "date__gte": since, "date__lte": until}
    days = days.filter(**{bound: day for bound, day in given.items() if day is not None})
    rows = days.values("dataset", "dataset__synthetic", "date").annotate(n=Count("instrument", distinct=True))
    complete: dict[int, tuple[bool, int, dt.date]] = {}
    for row in rows.filter(n=len(set(symbols))):
        _, count, last = complete.get(row["dataset"], (False, 0, dt.date.min))
        complete[row["dataset"]] = (not row["dataset__synthetic"], count + 1, max(last, row["date"]))
    if not complete:
        return None
    return Dataset.objects.get(pk=max(complete, key=lambda pk: complete[pk]))


def dataset_named(name: str, prices: str = "") -> Dataset:
    """The dataset of that name, made where there is none: of such prices, else a raw one."""
    defaults = {"source": name, "feed": "", "price_mode": prices or "raw"}
    return Dataset.objects.get_or_create(name=name, defaults=defaults)[0]
