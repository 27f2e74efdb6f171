"""The store in the admin: cheap lists that never count bars, days with their rows, and what was quarantined."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.paginator import InfinitePaginator

from marketdata import day_page
from marketdata.day_page import SHOWN_ROWS, VALUES
from marketdata.models import Bar, BarDay, Dataset, FetchAttempt, Instrument, QuarantinedRow

__all__ = ["SHOWN_ROWS", "ReadOnlyAdmin", "asked_for"]
INTERVALS = ("1m", "5m", "15m", "30m", "1h", "1d")


class ReadOnlyAdmin(ModelAdmin):
    """Rows that only the product's own verbs write; lists that do not count them."""

    paginator = InfinitePaginator
    show_full_result_count = False
    list_per_page = 50
    actions = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class IntervalFilter(admin.SimpleListFilter):
    """The usual widths: asking the table for those it has would walk all of it."""

    title, parameter_name = "interval", "interval"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in INTERVALS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(interval=self.value()) if self.value() else queryset


class ProviderFilter(admin.SimpleListFilter):
    title, parameter_name = "provider", "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in settings.MARKETDATA_PROVIDERS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(provider=self.value()) if self.value() else queryset


@admin.register(Dataset)
class DatasetAdmin(ModelAdmin):
    list_display = ("name", "source", "feed", "price_mode", "provider", "synthetic")
    list_filter = ("synthetic",)
    search_fields = ("name", "source")


@admin.register(Instrument)
class InstrumentAdmin(ModelAdmin):
    list_display = ("symbol", "name", "calendar")
    search_fields = ("symbol", "name")
    search_help_text = "A symbol or a name"
    paginator = InfinitePaginator
    show_full_result_count = False
    list_per_page = 50


@admin.register(BarDay)
class BarDayAdmin(ReadOnlyAdmin):
    """Days of bars: one row an instrument, date and version."""

    list_display = (
        *("instrument", "date", "interval", "scope", "dataset"),
        *("bar_count", "day_quality", "version", "current"),
    )
    list_filter = ("dataset", ("date", RangeDateFilter), IntervalFilter, "scope", "current")
    list_filter_submit = True
    list_select_related = ("instrument", "dataset")
    search_fields = ("=instrument__symbol",)
    search_help_text = "A symbol: AAPL"
    ordering = ("-date", "instrument__symbol", "version")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BarDay]:
        """Lists leave the columns where they are: only a day's own page reads them."""
        days: QuerySet[BarDay] = super().get_queryset(request)
        return days.defer("offset", *VALUES, "n_present", "packed")

    @admin.display(description="quality")
    def day_quality(self, day: BarDay) -> str:
        return day_page.quality_text(day)

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(self.export)
        return [path("<int:pk>/export/", export, name="marketdata_barday_export"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The day with its chart; a stored day is no form."""
        day = self._find(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            **day_page.context(day),
            "opts": self.opts,
            "original": day,
            "title": str(day),
            "may_start": request.user.has_perm("replay.add_session"),
        }
        return TemplateResponse(request, "marketdata/day.html", context)

    def export(self, request: HttpRequest, pk: int) -> HttpResponse:
        return day_page.as_csv(self._find(request, str(pk)))

    def _find(self, request: HttpRequest, number: str) -> BarDay:
        if request.method != "GET" or not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_queryset(request).select_related("instrument", "dataset")
        day = rows.filter(pk=int(number)).first() if number.isdecimal() else None
        if day is None:
            raise Http404(f"There is no stored day {number}.")
        return day


@admin.register(Bar)
class BarAdmin(ReadOnlyAdmin):
    """One row per bar, through the view. Asks for instrument and date first: those two make it fast."""

    list_display = ("start", "open", "high", "low", "close", "volume", "trade_count", "vwap", "interval")
    list_display_links = None
    list_per_page = 100
    ordering = ("start",)
    search_fields = ("instrument__symbol__iexact",)
    search_help_text = "A symbol and a date: AAPL 2025-07-03"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Bar], search_term: str
    ) -> tuple[QuerySet[Bar], bool]:
        """Nothing before both are given: the view over all days is never walked."""
        return asked_for(queryset, search_term), False


def asked_for(rows: QuerySet[Any], term: str) -> QuerySet[Any]:
    """Rows of a view for "AAPL 2025-07-03"; none before symbol and date are both given."""
    symbol, _, date = term.strip().partition(" ")
    instrument = Instrument.objects.filter(symbol=symbol.upper()).first()
    day = _date(date)
    if instrument is None or day is None:
        return rows.none()
    return rows.filter(instrument=instrument, date=day)


def _date(text: str) -> str | None:
    try:
        return str(np.datetime64(text.strip(), "D")) if text.strip() else None
    except ValueError:
        return None


@admin.register(QuarantinedRow)
class QuarantinedRowAdmin(ReadOnlyAdmin):
    list_display = ("file", "line", "symbol", "reason", "raw", "dataset", "recorded_at")
    list_filter = ("dataset", ("recorded_at", RangeDateFilter))
    list_filter_submit = True
    list_select_related = ("dataset",)
    search_fields = ("file", "=symbol", "reason")
    search_help_text = "A file, a symbol or a reason"


@admin.register(FetchAttempt)
class FetchAttemptAdmin(ReadOnlyAdmin):
    list_display = ("instrument", "date", "dataset", "provider", "outcome", "attempts", "last_at", "reason")
    list_filter = (ProviderFilter, "outcome")
    list_select_related = ("instrument", "dataset")
    search_fields = ("=instrument__symbol",)


# Django finds an app's admin here; the pages of trades and quotes build on the ones above.
from marketdata import admin_ticks  # noqa: E402, F401
