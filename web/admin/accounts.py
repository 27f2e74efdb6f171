"""Accounts, their orders and executions as lists; trading is for the API and the session's page."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from unfold.decorators import display

from broker import configurations, reports
from broker.matching.orders import plain_text
from broker.models import Account, AccountEvent, Order
from marketdata.admin.read_only import ReadOnlyAdmin

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
    fields = [
        *("name", "session", "number", "cash", "multiplier", "shorting", "terms", "owners_settings", "standing"),
        *("created_by", "created_at"),
    ]
    readonly_fields = ["owners_settings", "standing"]

    @display(description="cash")
    def shown_cash(self, row: Account) -> str:
        return f"{float(row.state['cash']):,.2f}"

    @display(description="profile")
    def shown_profile(self, row: Account) -> str:
        return str(row.trading_terms.profile)

    @display(description="open orders")
    def open_orders(self, row: Account) -> int:
        return len(row.state["orders"])

    @display(description="set by its owner")
    def owners_settings(self, row: Account) -> str:
        return (
            ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in configurations.made(row).items())
            or "nothing"
        )

    @display(description="as of the clock")
    def standing(self, row: Account) -> str:
        found = reports.account(row)
        held = [f"{each['qty']} {each['symbol']} at {each['average_entry']}" for each in found["positions"]]
        return format_html(
            "equity {}, cash {}, buying power {}; {}",
            found["equity"],
            found["cash"],
            found["buying_power"],
            ", ".join(held) or "no positions",
        )


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ["symbol", "side", "shown_type", "shown_qty", "shown_status", "account", "submitted", "voided_in"]
    list_filter = ["status", "side", "is_open"]
    list_select_related = ["account__session"]
    search_fields = ["=symbol", "=client_order_id"]
    search_help_text = "A symbol, or a client order id"
    ordering = ["-id"]

    @display(description="type")
    def shown_type(self, row: Order) -> str:
        each = row.working
        prices = [f"{word} {price}" for word, price in (("limit", each.limit_price), ("stop", each.trigger)) if price]
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
        return reports.stamp(row.submitted_ms) or ""


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
        return reports.stamp(row.at_ms) or ""

    @display(description="shares")
    def shown_qty(self, row: AccountEvent) -> str:
        return plain_text(row.qty) or "–"

    @display(description="price")
    def shown_price(self, row: AccountEvent) -> str:
        return plain_text(row.price) or "–"
