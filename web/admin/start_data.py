"""What the start form asks as it is filled in: a dataset's symbols, and a month of the calendar with coverage."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse

from marketdata.errors import MarketDataError
from marketdata.exchange_calendar import NEW_YORK_STOCKS, ExchangeCalendar, calendar_of
from marketdata.models import Dataset, DayVersion, Instrument
from marketdata.row_ids import row_id
from marketdata.store import exchange_of, spelled
from web.admin.start_form import split

MOST_SYMBOLS = 20


def require_starter(request: HttpRequest) -> None:
    """Coverage shows days that lie ahead of other sessions' clocks: it is for those who may start one."""
    if not (request.user.has_perm("replay.add_session") or request.user.has_perm("replay.change_session")):
        raise PermissionDenied


def symbols(request: HttpRequest) -> HttpResponse:
    """Symbols that begin with `q` and have days in the dataset; in any, where none is chosen."""
    require_starter(request)
    days = _days(request).values("instrument")
    wanted = Instrument.objects.filter(symbol__istartswith=request.GET.get("q", ""), pk__in=days)
    found = wanted.order_by("symbol").values_list("symbol", "name")[:MOST_SYMBOLS]
    return JsonResponse({"symbols": [{"symbol": symbol, "name": name} for symbol, name in found]})


def month(request: HttpRequest) -> HttpResponse:
    """A month's days: what the exchange does on each, and how many of the symbols the store has for it."""
    require_starter(request)
    names = tuple(spelled(split(request.GET.get("symbols", ""))))
    try:
        days_of = calendar_of(_exchange(request, names))
        first = _first_of_month(request, names)
        dates = [first + dt.timedelta(days=n) for n in range(31) if (first + dt.timedelta(days=n)).month == first.month]
        covered = _coverage(request, names, dates)
        reported = [_day(days_of, date, covered.get(date, 0)) for date in dates]
    except (MarketDataError, ValueError) as error:
        return JsonResponse({"detail": str(error)}, status=400)
    return JsonResponse({"month": f"{first:%Y-%m}", "asked": len(names), "days": reported})


def _days(request: HttpRequest) -> QuerySet[DayVersion]:
    rows = DayVersion.objects.current().regular().minutes()
    dataset = request.GET.get("dataset", "")
    return rows.filter(dataset=row_id(dataset)) if dataset else rows


def _first_of_month(request: HttpRequest, names: tuple[str, ...]) -> dt.date:
    """The month asked for; without one, that of the newest day which the store has for the symbols."""
    if given := request.GET.get("month"):
        return dt.datetime.strptime(given, "%Y-%m").replace(tzinfo=dt.UTC).date()
    rows = _days(request)
    if names:
        rows = rows.filter(instrument__symbol__in=names)
    newest = rows.order_by("-date").values_list("date", flat=True).first()
    return (newest or dt.datetime.now(dt.UTC).date()).replace(day=1)


def _coverage(request: HttpRequest, names: tuple[str, ...], dates: list[dt.date]) -> dict[dt.date, int]:
    """Date → how many of the symbols have a day; without symbols, how many there are at all."""
    rows = _days(request).filter(date__range=(dates[0], dates[-1]))
    if names:
        rows = rows.filter(instrument__symbol__in=names)
    counted = rows.order_by().values("date").annotate(n=Count("instrument", distinct=True))
    return {row["date"]: row["n"] for row in counted}


def _exchange(request: HttpRequest, names: tuple[str, ...]) -> str:
    """The symbols'; of unknown ones, or without any, the one that all of the dataset have, else New York's."""
    if there := list(Instrument.objects.filter(symbol__in=names).values_list("symbol", flat=True)):
        return exchange_of(there)
    of_dataset = Instrument.objects.filter(pk__in=_days(request).values("instrument")).order_by()
    kinds = list(of_dataset.values_list("calendar", flat=True).distinct()[:2])
    return kinds[0] if len(kinds) == 1 else NEW_YORK_STOCKS


def _day(days_of: ExchangeCalendar, date: dt.date, count: int) -> dict[str, Any]:
    payload: dict[str, Any] = {"date": str(date), "held": count, "kind": "full", "words": ""}
    if not days_of.is_trading_day(date):
        payload |= {"kind": "weekend" if date.weekday() >= 5 else "holiday", "words": days_of.why_closed(date)}
    elif (day := days_of.trading_day(date)).is_half_day:
        payload |= {"kind": "half", "words": f"half day, closes {day.close.astimezone(days_of.zone):%H:%M}"}
    return payload


def providers() -> dict[int, str]:
    """Datasets whose missing days a provider fetches: there a day without coverage can be started all the same."""
    return dict(Dataset.objects.exclude(provider="").values_list("pk", "provider"))
