"""One row per bar, trade or quote, for a symbol and a date."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from marketdata.admin.read_only import ReadOnlyAdmin
from marketdata.models import Bar, Instrument, Quote, Trade
from marketdata.store import spelled


class RowAdmin(ReadOnlyAdmin):
    """Asks for instrument and date first: those two make the views fast."""

    list_display_links = None
    list_per_page = 100
    search_fields = ("instrument__symbol__iexact",)
    search_help_text = "A symbol and a date: AAPL 2025-07-03"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Nothing before both are given: the view over all days is never walked."""
        return asked_for(queryset, search_term), False


@admin.register(Bar)
class BarAdmin(RowAdmin):
    list_display = ("start", "open", "high", "low", "close", "volume", "trade_count", "vwap", "interval")
    ordering = ("start",)


@admin.register(Trade)
class TradeAdmin(RowAdmin):
    list_display = ("at", "price", "size", "exchange", "condition", "suspicious", "corrected", "scope")
    ordering = ("sequence",)


@admin.register(Quote)
class QuoteAdmin(RowAdmin):
    list_display = (
        *("at", "bid", "bid_size", "bid_exchange", "ask", "ask_size", "ask_exchange"),
        *("condition", "suspicious", "derived", "scope"),
    )
    ordering = ("sequence",)


def asked_for(rows: QuerySet[Any], term: str) -> QuerySet[Any]:
    """Rows of a view for "AAPL 2025-07-03"; none before symbol and date are both given."""
    symbol, _, date = term.strip().partition(" ")
    instrument = Instrument.objects.filter(symbol__in=spelled([symbol])).first()
    day = _date(date)
    if instrument is None or day is None:
        return rows.none()
    return rows.filter(instrument=instrument, date=day)


def _date(text: str) -> str | None:
    try:
        return str(np.datetime64(text.strip(), "D")) if text.strip() else None
    except ValueError:
        return None
