"""One row per bar, trade or quote, for a symbol and a date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from marketdata.admin.read_only import ReadOnlyAdmin
from marketdata.exchange_calendar import calendar_of, place_of
from marketdata.models import Bar, Dataset, Instrument, Quote, Trade
from marketdata.row_ids import row_id
from marketdata.store import spelled

EXACT = "%Y-%m-%d %H:%M:%S.%f"


def _price(value: float | None) -> str:
    """Two decimals at least, six at most."""
    if value is None:
        return "–"
    whole, _, decimals = f"{value:,.6f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def _amount(value: float | None) -> str:
    return "–" if value is None else f"{value:,.10g}"


def price_column(field: str, title: str = "") -> Any:
    return _column(field, title, _price)


def amount_column(field: str, title: str = "") -> Any:
    return _column(field, title, _amount)


def _column(field: str, title: str, in_words: Callable[[float | None], str]) -> Any:
    @display(description=title or field, ordering=field)
    def column(admin_: Any, row: Any) -> str:
        return in_words(getattr(row, field))

    return column


class DatasetFilter(admin.SimpleListFilter):
    """The datasets that there are: asking the view for them would walk all days."""

    title, parameter_name = "dataset", "dataset"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Dataset.objects.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        given = self.value()
        return queryset.filter(dataset=row_id(given)) if given else queryset


class IntervalFilter(admin.SimpleListFilter):
    """Minutes, unless derived bars are asked for."""

    title, parameter_name = "interval", "interval"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("derived", "derived bars")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        everything, *rest = super().choices(changelist)
        yield {**everything, "display": "minutes"}
        yield from rest

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.exclude(interval="1m") if self.value() == "derived" else queryset.filter(interval="1m")


class RowAdmin(ReadOnlyAdmin):
    """Asks for instrument and date first: those two make the views fast."""

    list_display_links = None
    list_per_page = 100
    search_fields = ("instrument__symbol__iexact",)
    search_help_text = "A symbol and a date: AAPL 2025-07-03"
    empty_title, empty_text = "Choose a symbol and a day", "Search for both: AAPL 2025-07-03."
    list_filter: tuple[type[admin.SimpleListFilter], ...] = (DatasetFilter,)
    list_select_related = ("dataset", "instrument")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Nothing before both are given: the view over all days is never walked."""
        return asked_for(queryset, search_term), False


@admin.register(Bar)
class BarAdmin(RowAdmin):
    list_display = (
        *("shown_start", "instrument", "interval", "shown_open", "shown_high", "shown_low", "shown_close"),
        *("shown_volume", "shown_count", "shown_vwap", "dataset"),
    )
    list_filter = (IntervalFilter, DatasetFilter)
    ordering = ("start",)

    @display(description="start (exchange time)", ordering="start")
    def shown_start(self, bar: Bar) -> str:
        return _at(bar, bar.start, "%Y-%m-%d %H:%M")

    shown_open, shown_high, shown_low, shown_close = map(price_column, ("open", "high", "low", "close"))
    shown_volume, shown_count = amount_column("volume"), amount_column("trade_count", "trades")
    shown_vwap = price_column("vwap", "VWAP")


@admin.register(Trade)
class TradeAdmin(RowAdmin):
    list_display = (
        *("shown_at", "instrument", "shown_price", "shown_size", "exchange", "condition", "suspicious", "corrected"),
        *("scope", "dataset"),
    )
    ordering = ("sequence",)
    shown_price, shown_size = price_column("price"), amount_column("size")

    @display(description="at (exchange time)", ordering="at")
    def shown_at(self, trade: Trade) -> str:
        return _at(trade, trade.at, EXACT)


@admin.register(Quote)
class QuoteAdmin(RowAdmin):
    list_display = (
        *("shown_at", "instrument", "shown_bid", "bid_exchange", "shown_ask", "ask_exchange"),
        *("condition", "suspicious", "derived", "scope", "dataset"),
    )
    ordering = ("sequence",)

    @display(description="at (exchange time)", ordering="at")
    def shown_at(self, quote: Quote) -> str:
        return _at(quote, quote.at, EXACT)

    @display(description="bid", ordering="bid")
    def shown_bid(self, quote: Quote) -> str:
        return f"{_price(quote.bid)} × {_amount(quote.bid_size)}"

    @display(description="ask", ordering="ask")
    def shown_ask(self, quote: Quote) -> str:
        return f"{_price(quote.ask)} × {_amount(quote.ask_size)}"


def _at(row: Any, moment: dt.datetime, form: str) -> str:
    zone = calendar_of(row.instrument.calendar).zone
    return f"{moment.astimezone(zone):{form}} {place_of(zone.key)}"


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
