"""`/v2/assets`: what the session's dataset holds, as assets of the broker."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from marketdata.models import BarDay, Instrument
from streaming.gateway.days import Days
from streaming.gateway.errors import not_found

NAMESPACE = uuid.UUID("6f1f1c1e-5d0a-4a3e-9a52-7a7065646b00")
EXCHANGE = ""
"""Unknown to the store; the broker's clients accept only names of their list, and this one."""


def assets(days: Days, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """Those that have a day in the session's dataset that is not later than today."""
    wanted = {
        "status": query.get("status") in (None, "", "active"),
        "asset_class": query.get("asset_class") in (None, "", "us_equity"),
        "exchange": query.get("exchange") in (None, ""),
        "attributes": not query.get("attributes"),
    }
    return [_asset(instrument) for instrument in _known(days)] if all(wanted.values()) else []


def asset(days: Days, name: str) -> dict[str, Any]:
    """By symbol or id."""
    for instrument in _known(days):
        if name in (instrument.symbol, str(asset_id(instrument.symbol))):
            return _asset(instrument)
    raise not_found(f"asset not found for {name}")


def asset_id(symbol: str) -> uuid.UUID:
    return uuid.uuid5(NAMESPACE, symbol)


def _known(days: Days) -> QuerySet[Instrument]:
    held = BarDay.objects.current().filter(
        instrument=OuterRef("pk"), dataset_id=days.session.dataset_id, interval="1m", date__lte=days.today
    )
    return Instrument.objects.filter(Exists(held)).order_by("symbol")


def _asset(instrument: Instrument) -> dict[str, Any]:
    return {
        "id": str(asset_id(instrument.symbol)),
        "class": "us_equity",
        "exchange": EXCHANGE,
        "symbol": instrument.symbol,
        "name": instrument.name or instrument.symbol,
        "status": "active",
        "tradable": True,
        "marginable": False,
        "shortable": False,
        "easy_to_borrow": False,
        "fractionable": False,
        "attributes": [],
    }
