"""`/v2/clock`, `/v2/calendar`, `/v2/assets`: what a key may ask without an account."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest

from gateway.callers.session_view import session_view
from gateway.data import market_clock as clock
from gateway.data.day_cache import days_of
from gateway.trading import assets
from gateway.trading import market_calendar as calendar
from sessions.models import Session


@session_view
def market_clock(request: HttpRequest, session: Session) -> dict[str, Any]:
    return clock.market_clock(clock.moving(session, dt.datetime.now(dt.UTC)), session.calendar)


@session_view
def trading_days(request: HttpRequest, session: Session) -> list[dict[str, str]]:
    return calendar.trading_days(request.GET.get("start"), request.GET.get("end"), days_of(session).today)


@session_view
def all_assets(request: HttpRequest, session: Session) -> list[dict[str, Any]]:
    return assets.assets(days_of(session), request.GET)


@session_view
def one_asset(request: HttpRequest, session: Session, name: str) -> dict[str, Any]:
    return assets.asset(days_of(session), name)
