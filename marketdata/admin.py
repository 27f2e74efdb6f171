"""The store in the admin: cheap lists that never count bars, days with their rows, and what was quarantined."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from marketdata import store
from marketdata.models import Bar, BarDay, Dataset, FetchAttempt, Instrument, QuarantinedRow
from marketdata.quality import quality

SHOWN_ROWS = 400
VALUES = ("open", "high", "low", "close", "volume", "trade_count", "vwap")


class ReadOnlyAdmin(ModelAdmin):
    """Rows that only the product's own verbs write; lists that do not count them."""

    paginator = InfinitePaginator
    show_full_result_count = False
    actions = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Dataset)
class DatasetAdmin(ModelAdmin):
    list_display = ("name", "source", "feed", "price_mode", "provider", "synthetic")
    list_filter = ("synthetic",)
    search_fields = ("name", "source")


@admin.register(Instrument)
class InstrumentAdmin(ModelAdmin):
    list_display = ("symbol", "name", "calendar")
    search_fields = ("symbol", "name")
    show_full_result_count = False


@admin.register(BarDay)
class BarDayAdmin(ReadOnlyAdmin):
    """Days of bars: one row an instrument, date and version."""

    list_display = (
        "instrument",
        "date",
        "interval",
        "scope",
        "dataset",
        "bar_count",
        "day_quality",
        "version",
        "current",
    )
    list_filter = ("dataset", "interval", "scope", "current")
    list_select_related = ("instrument", "dataset")
    search_fields = ("instrument__symbol",)
    ordering = ("-date", "instrument__symbol", "version")
    fields = (
        *("instrument", "dataset", "interval", "date", "scope", "version", "current", "open_at", "close_at"),
        *(
            "bar_count",
            "day_quality",
            "ledger",
            "content_hash",
            "origin",
            "recorded_at",
            "known_at",
            "versions",
            "rows",
        ),
    )
    readonly_fields = ("day_quality", "versions", "rows")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BarDay]:
        """Lists leave the columns where they are: only a day's own page reads them."""
        days: QuerySet[BarDay] = super().get_queryset(request)
        return days.defer("offset", *VALUES, "n_present")

    @admin.display(description="quality")
    def day_quality(self, day: BarDay) -> str:
        value = quality(day.ledger, len(day.ledger)).value
        return "n/a" if value is None else f"{value:.1%}"

    @admin.display(description="versions")
    def versions(self, day: BarDay) -> str:
        same = BarDay.objects.filter(
            dataset=day.dataset_id, instrument=day.instrument_id, interval=day.interval, date=day.date, scope=day.scope
        )
        rows = same.order_by("version").values_list("version", "bar_count", "recorded_at", "origin")
        return "\n".join(f"v{v}: {n} bars, {at:%Y-%m-%d %H:%M} UTC, {origin}" for v, n, at, origin in rows)

    @admin.display(description="bars")
    def rows(self, day: BarDay) -> SafeString:
        """The day's bars as a table, times in UTC."""
        (stored,) = store.load_versions([day.pk]).values()
        bars = stored.bars
        start = np.datetime64(day.open_at.replace(tzinfo=None), "s") + bars.offset[:SHOWN_ROWS]
        columns = [getattr(bars, name)[:SHOWN_ROWS] for name in VALUES]
        cells = ((str(at)[11:16], *(_cell(value) for value in row)) for at, *row in zip(start, *columns, strict=True))
        head = "<tr><th>start</th>" + "".join(f"<th>{name.replace('_', ' ')}</th>" for name in VALUES) + "</tr>"
        body = format_html_join("", "<tr>" + "<td>{}</td>" * (len(VALUES) + 1) + "</tr>", cells)
        table = f'<table class="td-bars">{head}{body}</table>'
        return SafeString(table)


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{value:,.4f}".rstrip("0").rstrip(".")


@admin.register(Bar)
class BarAdmin(ReadOnlyAdmin):
    """One row per bar, through the view. Asks for instrument and date first: those two make it fast."""

    list_display = ("start", "open", "high", "low", "close", "volume", "trade_count", "vwap", "interval")
    list_display_links = None
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
    list_filter = ("dataset", "reason")
    list_select_related = ("dataset",)
    search_fields = ("file", "symbol")


@admin.register(FetchAttempt)
class FetchAttemptAdmin(ReadOnlyAdmin):
    list_display = ("instrument", "date", "dataset", "provider", "outcome", "attempts", "last_at", "reason")
    list_filter = ("provider", "outcome")
    list_select_related = ("instrument", "dataset")
    search_fields = ("instrument__symbol",)


# Django finds an app's admin here; the pages of trades and quotes build on the ones above.
from marketdata import admin_ticks  # noqa: E402, F401
