"""Accounts, their orders and executions as lists; trading is for the API and the session's page."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from unfold.decorators import display

from broker import configurations, reports
from broker.matching.orders import plain_text
from broker.models import Account, AccountEvent, Order
from broker.reports import price_text
from marketdata.admin.read_only import ReadOnlyAdmin
from sessions.market_time import shown

STATUS_COLORS = {
    "new": "info",
    "accepted": "info",
    "partially_filled": "warning",
    "filled": "success",
    "rejected": "danger",
    "expired": "warning",
}


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = [
        "name",
        "session",
        "number",
        "shown_cash",
        "shown_profile",
        "open_orders",
        "created_by",
        "created_at",
    ]
    list_select_related = ["session"]
    list_filter = ["multiplier"]
    search_fields = ["name", "number"]
    search_help_text = "A name or a number"
    empty_text = "An account is opened on a session's page, by create_api_key --kind broker, or over the API."
    fields = [
        *("name", "session_page", "number", "standing", "positions", "lists"),
        *("began_with", "shown_multiplier", "shorting", "shown_terms", "owners_settings", "created_by", "created_at"),
    ]
    readonly_fields = [
        *("session_page", "standing", "positions", "lists", "began_with", "shown_multiplier", "shown_terms"),
        "owners_settings",
    ]

    @display(description="cash")
    def shown_cash(self, row: Account) -> str:
        return f"{float(row.state['cash']):,.2f}"

    @display(description="profile")
    def shown_profile(self, row: Account) -> str:
        return str(row.trading_terms.profile)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        are_open = Q(orders__is_open=True, orders__voided_in=None)
        rows: QuerySet[Account] = super().get_queryset(request)
        return rows.annotate(open=Count("orders", filter=are_open))

    @display(description="open orders", ordering="open")
    def open_orders(self, row: Account) -> int:
        return int(row.open)  # type: ignore[attr-defined]

    @display(description="set by its owner")
    def owners_settings(self, row: Account) -> str:
        return (
            ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in configurations.made(row).items())
            or "nothing"
        )

    @display(description="now, at the session's clock (USD)")
    def standing(self, row: Account) -> str:
        found = _report(row)
        names = ("equity", "cash", "buying_power")
        return ", ".join(f"{name.replace('_', ' ')} {float(found[name]):,.2f}" for name in names)

    @display(description="positions")
    def positions(self, row: Account) -> str:
        held = _report(row)["positions"]
        lines = ((each["qty"], each["symbol"], price_text(each["average_entry"])) for each in held)
        return format_html_join(mark_safe("<br>"), "{} {} at {}", lines) or "none"

    @display(description="session")
    def session_page(self, row: Account) -> str:
        address = reverse("admin:replay_session_change", args=[row.session_id])
        return format_html('<a class="td-link" href="{}">{} {}</a>', address, row.session_id, row.session.name)

    @display(description="see")
    def lists(self, row: Account) -> str:
        pages = (("orders", "order"), ("executions", "accountevent"))
        links = ((reverse(f"admin:broker_{model}_changelist"), row.pk, text) for text, model in pages)
        return format_html_join(", ", '<a class="td-link" href="{}?account__id__exact={}">{}</a>', links)

    @display(description="began with (USD)")
    def began_with(self, row: Account) -> str:
        return f"{row.cash:,.2f}"

    @display(description="multiplier")
    def shown_multiplier(self, row: Account) -> str:
        return f"{row.multiplier}: buying power as a multiple of the equity"

    @display(description="terms")
    def shown_terms(self, row: Account) -> str:
        terms = ((name.replace("_", " "), value) for name, value in row.terms.items())
        return format_html_join(mark_safe("<br>"), "{}: {}", terms) or "the defaults"


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ["symbol", "side", "shown_type", "shown_qty", "shown_status", "account", "submitted", "voided_in"]
    list_filter = ["status", "side", "is_open"]
    list_select_related = ["account__session"]
    search_fields = ["=symbol", "=client_order_id"]
    search_help_text = "A symbol, or a client order id"
    empty_text = "Orders come from a session's page, from bots, and over the API."
    ordering = ["-id"]

    @display(description="type")
    def shown_type(self, row: Order) -> str:
        each = row.working
        prices = [
            f"{word} {price_text(price)}"
            for word, price in (("limit", each.limit_price), ("stop", each.trigger))
            if price
        ]
        return ", ".join([each.type.replace("_", " "), *prices])

    @display(description="filled")
    def shown_qty(self, row: Order) -> str:
        each = row.working
        return f"{plain_text(each.filled_qty)} of {plain_text(each.qty) or plain_text(each.notional)}"

    @display(description="status", label=STATUS_COLORS, ordering="status")
    def shown_status(self, row: Order) -> str:
        return row.status

    @display(description="submitted (market time)", ordering="submitted_ms")
    def submitted(self, row: Order) -> str:
        return _market_time(row.submitted_ms, row.account)


@admin.register(AccountEvent)
class AccountEventAdmin(ReadOnlyAdmin):
    list_display = [
        "market_time",
        "kind",
        "symbol",
        "shown_qty",
        "shown_price",
        "basis",
        "account",
        "note",
        "voided_in",
    ]
    list_filter = ["kind", "basis"]
    list_select_related = ["account__session"]
    search_fields = ["=symbol", "=order_uuid"]
    search_help_text = "A symbol, or an order's id"
    ordering = ["-id"]

    @display(description="market time", ordering="at_ms")
    def market_time(self, row: AccountEvent) -> str:
        return _market_time(row.at_ms, row.account)

    @display(description="shares")
    def shown_qty(self, row: AccountEvent) -> str:
        return plain_text(row.qty) or "–"

    @display(description="price")
    def shown_price(self, row: AccountEvent) -> str:
        return "–" if row.price is None else price_text(row.price)


def _report(row: Account) -> dict[str, Any]:
    """Made once for the page that shows the row."""
    if "report" not in row.__dict__:
        row.__dict__["report"] = reports.account(row)
    found: dict[str, Any] = row.__dict__["report"]
    return found


def _market_time(ms: int | None, account: Account) -> str:
    return "" if ms is None else shown(dt.datetime.fromtimestamp(ms / 1000, dt.UTC), account.session)
