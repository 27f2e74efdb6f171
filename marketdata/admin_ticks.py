"""Trades and quotes in the admin: their days, with the first rows, and one row per event for a symbol and a date."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from marketdata.admin import SHOWN_ROWS, ReadOnlyAdmin, asked_for
from marketdata.tick_models import Quote, TickDay, Trade
from marketdata.ticks.columns import CODES, VALUES, TickColumns
from marketdata.ticks.store import find_versions, load_chunk


@admin.register(TickDay)
class TickDayAdmin(ReadOnlyAdmin):
    """Days of trades and quotes: one row an instrument, kind, date and version."""

    list_display = ("instrument", "date", "kind", "scope", "dataset", "row_count", "coverage", "version", "current")
    list_filter = ("dataset", "kind", "scope", "current", "derived")
    list_select_related = ("instrument", "dataset")
    search_fields = ("instrument__symbol",)
    ordering = ("-date", "instrument__symbol", "kind", "version")
    fields = (
        *("instrument", "dataset", "kind", "date", "scope", "derived", "version", "current", "open_at", "close_at"),
        *("row_count", "chunk_count", "coverage", "ledger", "content_hash", "origin", "recorded_at", "known_at"),
        *("versions", "rows"),
    )
    readonly_fields = ("coverage", "versions", "rows")

    @admin.display(description="minutes with events")
    def coverage(self, day: TickDay) -> str:
        return f"{day.ledger.count('T')} of {len(day.ledger)}" if day.ledger else "n/a"

    @admin.display(description="versions")
    def versions(self, day: TickDay) -> str:
        same = TickDay.objects.filter(
            dataset=day.dataset_id,
            instrument=day.instrument_id,
            kind=day.kind,
            date=day.date,
            scope=day.scope,
            derived=day.derived,
        )
        rows = same.order_by("version").values_list("version", "row_count", "recorded_at", "origin")
        return "\n".join(f"v{v}: {n} rows, {at:%Y-%m-%d %H:%M} UTC, {origin}" for v, n, at, origin in rows)

    @admin.display(description="first rows")
    def rows(self, day: TickDay) -> SafeString:
        """The day's first events as a table, times in UTC."""
        (stored,) = find_versions([day.pk])
        events = load_chunk(stored, 0).take(slice(0, SHOWN_ROWS))
        start = np.datetime64(day.open_at.replace(tzinfo=None), "ns") + events.at
        names = (*VALUES[day.kind], *CODES[day.kind])
        cells = ((str(at)[11:], *_cells(events, row)) for row, at in enumerate(start))
        head = "<tr><th>at</th>" + "".join(f"<th>{name.replace('_', ' ')}</th>" for name in names) + "</tr>"
        body = format_html_join("", "<tr>" + "<td>{}</td>" * (len(names) + 1) + "</tr>", cells)
        return SafeString(f'<table class="td-bars">{head}{body}</table>')


def _cells(events: TickColumns, row: int) -> list[str]:
    values = ["" if np.isnan(value) else f"{value:,.4f}".rstrip("0").rstrip(".") for value in events.values[:, row]]
    return values + [events.words[code] for code in events.codes[:, row]]


class TickAdmin(ReadOnlyAdmin):
    """One row per event, through the view. Asks for instrument and date first: those two make it fast."""

    list_display_links = None
    ordering = ("sequence",)
    search_fields = ("instrument__symbol__iexact",)
    search_help_text = "A symbol and a date: IBM 2013-10-07"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Nothing before both are given: the view over all days is never walked."""
        return asked_for(queryset, search_term), False


@admin.register(Trade)
class TradeAdmin(TickAdmin):
    list_display = ("at", "price", "size", "exchange", "condition", "suspicious", "corrected", "scope")


@admin.register(Quote)
class QuoteAdmin(TickAdmin):
    list_display = (
        *("at", "bid", "bid_size", "bid_exchange", "ask", "ask_size", "ask_exchange"),
        *("condition", "suspicious", "derived", "scope"),
    )
