"""`/v2/assets`: what the session's dataset holds, as assets of the broker."""

from __future__ import annotations

import datetime as dt
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from broker.corporate_actions import became
from gateway.data.day_cache import Days
from gateway.wire.moments import new_york_date
from gateway.wire.spelling import as_stored, on_wire
from gateway.wire.wire_errors import not_found
from marketdata.models import DayVersion, Instrument
from marketdata.units import MILLISECOND_NS
from sessions.models import Session
from streaming.as_of.newest_frame import clock_ms

NAMESPACE = uuid.UUID("6f1f1c1e-5d0a-4a3e-9a52-7a7065646b00")
IS_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
KNOWN_FOR_SECONDS, MOST_KNOWN = 60, 10_000
EXCHANGE = ""
"""Unknown to the store; the broker's clients accept only names of their list, and this one."""


def assets(days: Days, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """Those that have a day in the session's dataset that is not later than today."""
    wanted = {
        "asset_class": query.get("asset_class") in (None, "", "us_equity"),
        "exchange": query.get("exchange") in (None, ""),
        "attributes": not query.get("attributes"),
    }
    known = list(_known(days)) if all(wanted.values()) else []
    found = _assets(days.session.dataset_id, days.today, known)
    return [each for each in found if query.get("status") in (None, "", each["status"])]


def asset(days: Days, name: str) -> dict[str, Any]:
    """By symbol or id."""
    for instrument in _known(days):
        if name in (on_wire(instrument.symbol), str(asset_id(instrument.symbol))):
            return _assets(days.session.dataset_id, days.today, [instrument])[0]
    raise not_found(f"asset not found for {name}")


def named_asset(session: Session, name: str, at_ms: int | None = None) -> str | None:
    """An asset that the session's dataset holds by the clock, by symbol or id, as it spells it; None for no such."""
    try:
        return _named(session.dataset_id, _today(session, at_ms), name, int(time.monotonic() / KNOWN_FOR_SECONDS))
    except LookupError:
        return None


@lru_cache(maxsize=MOST_KNOWN)
def _named(dataset_id: int, today: dt.date, name: str, _: int) -> str:
    """What is known by a day stays so, but for deleted data. Raises LookupError, which is not kept."""
    known = _known_by(dataset_id, today)
    if (found := known.filter(symbol=as_stored(dataset_id, [name])[name]).first()) is not None:
        return found.symbol
    if IS_ID.fullmatch(name):
        for each in known:
            if str(asset_id(each.symbol)) == name.lower():
                return each.symbol
    raise LookupError(name)


def assets_named(session: Session, symbols: Sequence[str]) -> list[dict[str, Any]]:
    """In the order of the symbols."""
    found = {each.symbol: each for each in Instrument.objects.filter(symbol__in=list(symbols))}
    return _assets(session.dataset_id, _today(session), [found[symbol] for symbol in symbols if symbol in found])


def asset_id(symbol: str) -> uuid.UUID:
    return uuid.uuid5(NAMESPACE, on_wire(symbol))


def _today(session: Session, at_ms: int | None = None) -> dt.date:
    return new_york_date((clock_ms(session) if at_ms is None else at_ms) * MILLISECOND_NS)


def _known(days: Days) -> QuerySet[Instrument]:
    return _known_by(days.session.dataset_id, days.today)


def _known_by(dataset_id: int, today: dt.date) -> QuerySet[Instrument]:
    held = (
        DayVersion.objects.current().minutes().filter(instrument=OuterRef("pk"), dataset_id=dataset_id, date__lte=today)
    )
    return Instrument.objects.filter(Exists(held)).order_by("symbol")


def _assets(dataset_id: int, today: dt.date, instruments: Sequence[Instrument]) -> list[dict[str, Any]]:
    gone = became(dataset_id, today, [each.symbol for each in instruments])
    return [_asset(each, active=each.symbol not in gone) for each in instruments]


def _asset(instrument: Instrument, *, active: bool) -> dict[str, Any]:
    return {
        "id": str(asset_id(instrument.symbol)),
        "class": "us_equity",
        "exchange": EXCHANGE,
        "symbol": on_wire(instrument.symbol),
        "name": instrument.name or on_wire(instrument.symbol),
        "status": "active" if active else "inactive",
        "tradable": active,
        "marginable": True,
        "shortable": True,
        "easy_to_borrow": True,
        "borrow_status": "easy_to_borrow",
        "fractionable": True,
        "maintenance_margin_requirement": 30,
        "margin_requirement_long": "30",
        "margin_requirement_short": "30",
        "min_order_size": None,
        "min_trade_increment": None,
        "price_increment": None,
        "attributes": [],
    }
