"""The broker's addresses: without trailing slashes, for its clients follow no redirect."""

from django.urls import path, re_path

from gateway.callers.session_view import unknown
from gateway.data import views as data
from gateway.trading import account, activities, history, market_views, markets, orders, positions, watchlists
from gateway.trading.bot_calls import account_view

KIND = "(?P<kind>bars|trades|quotes)"
SYMBOL = "(?P<symbol>[^/]+)"
WATCHLIST = {
    "get": watchlists.get_watchlist,
    "put": watchlists.put_watchlist,
    "post": watchlists.add_symbol,
    "delete": watchlists.delete_watchlist,
}

urlpatterns = [
    re_path(rf"^v2/stocks/{KIND}$", data.history),
    re_path(rf"^v2/stocks/{KIND}/latest$", data.latest),
    path("v2/stocks/snapshots", data.all_snapshots),
    path("v2/stocks/auctions", data.all_auctions),
    path("v2/stocks/meta/exchanges", data.exchanges),
    path("v2/stocks/meta/conditions/<str:kind>", data.conditions),
    re_path(rf"^v2/stocks/{SYMBOL}/{KIND}$", data.symbol_history),
    re_path(rf"^v2/stocks/{SYMBOL}/{KIND}/latest$", data.symbol_latest),
    re_path(rf"^v2/stocks/{SYMBOL}/snapshot$", data.symbol_snapshot),
    re_path(rf"^v2/stocks/{SYMBOL}/auctions$", data.symbol_auctions),
    path("v2/clock", market_views.market_clock),
    path("v2/calendar", market_views.trading_days),
    path("v2/assets", market_views.all_assets),
    path("v2/assets/<str:name>", market_views.one_asset),
    path("v3/clock", account_view(get=markets.get_clock)),
    path("v3/calendar/<str:market>", account_view(get=markets.get_calendar)),
    path("v2/account", account_view(get=account.get_account)),
    path(
        "v2/account/configurations",
        account_view(get=account.get_configurations, patch=account.patch_configurations),
    ),
    path("v2/account/portfolio/history", account_view(get=history.get_history)),
    path("v2/account/activities", account_view(get=activities.get_activities)),
    path("v2/account/activities/<str:kind>", account_view(get=activities.get_activities)),
    path("v2/orders", account_view(get=orders.get_orders, post=orders.post_order, delete=orders.delete_orders)),
    path("v2/orders:by_client_order_id", account_view(get=orders.get_by_client_id)),
    path(
        "v2/orders/<str:order_id>",
        account_view(get=orders.get_order, patch=orders.patch_order, delete=orders.delete_order),
    ),
    path("v2/positions", account_view(get=positions.get_positions, delete=positions.delete_positions)),
    path("v2/positions/<str:name>", account_view(get=positions.get_position, delete=positions.delete_position)),
    path("v2/watchlists", account_view(get=watchlists.get_watchlists, post=watchlists.post_watchlist)),
    path("v2/watchlists:by_name", account_view(**WATCHLIST)),
    path("v2/watchlists/<str:list_id>", account_view(**WATCHLIST)),
    path("v2/watchlists/<str:list_id>/<str:symbol>", account_view(delete=watchlists.remove_symbol)),
    re_path(r"", unknown),
]
"""Included under /alpaca/; a base address with a slash at its end gives two, which mean one."""
