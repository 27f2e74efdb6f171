"""The broker's addresses: without trailing slashes, for its clients follow no redirect."""

from django.urls import path, re_path

from streaming.gateway import rest

KIND = "(?P<kind>bars|trades|quotes)"
SYMBOL = "(?P<symbol>[^/]+)"

urlpatterns = [
    re_path(rf"^v2/stocks/{KIND}$", rest.history),
    re_path(rf"^v2/stocks/{KIND}/latest$", rest.latest),
    path("v2/stocks/snapshots", rest.all_snapshots),
    re_path(rf"^v2/stocks/{SYMBOL}/{KIND}$", rest.symbol_history),
    re_path(rf"^v2/stocks/{SYMBOL}/{KIND}/latest$", rest.symbol_latest),
    re_path(rf"^v2/stocks/{SYMBOL}/snapshot$", rest.symbol_snapshot),
    path("v2/clock", rest.market_clock),
    path("v2/calendar", rest.trading_days),
    path("v2/assets", rest.all_assets),
    path("v2/assets/<str:name>", rest.one_asset),
    re_path(r"^v2/(?P<what>account|orders|positions|watchlists)(?:[/:].*)?$", rest.not_here),
    re_path(r"", rest.unknown),
]
"""Included under /alpaca/; a base address with a slash at its end gives two, which mean one."""
