"""The broker's REST API on a session's clock. Each view reads its query, asks one question and answers."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec

import orjson
import redis
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from sessions.models import Session
from streaming.gateway import assets, bars, calendar, clock, keys, queries, snapshots, symbols, throttle
from streaming.gateway.days import Days
from streaming.gateway.errors import GatewayError, not_found, not_simulated, unauthorized, unavailable
from streaming.gateway.moments import new_york_date
from streaming.gateway.pagination import Page, Read, page
from streaming.gateway.ticks import Ticks

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def door(question: Callable[Concatenate[HttpRequest, Session, P], Any]) -> View[P]:
    """A view for callers with a key: the question gets the key's session, every refusal the broker's shape."""

    @csrf_exempt
    @functools.wraps(question)
    def view(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        headers: dict[str, str] = {}
        try:
            session, allowance = _admitted(request)
            headers = allowance.headers()
            return _answer(question(request, session, *args, **kwargs), headers)
        except (GatewayError, OperationalError, redis.ConnectionError, redis.TimeoutError) as error:
            told = as_refusal(error)
            return _answer(told.body, headers, told.status)

    return view


def as_refusal(error: Exception) -> GatewayError:
    match error:
        case GatewayError():
            return error
        case OperationalError():
            return unavailable("Postgres")
    return unavailable("Redis")


def _admitted(request: HttpRequest) -> tuple[Session, throttle.Allowance]:
    address = request.META.get("REMOTE_ADDR", "")
    throttle.refuse_guessers(address)
    key = keys.check(keys.from_headers({name.lower(): value for name, value in request.headers.items()}))
    if key is None:
        throttle.guess(address)
        raise unauthorized()
    return key.session, throttle.spend(key.key_id)


def _answer(body: Any, headers: dict[str, str], status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    return HttpResponse(orjson.dumps(body), content_type="application/json", status=status, headers=headers)


# --- market data -----------------------------------------------------------------------------------


@door
def history(request: HttpRequest, session: Session, kind: str) -> dict[str, Any]:
    found, token = _page(request, session, kind, queries.listed_symbols(request.GET))
    return {kind: found, "next_page_token": token}


@door
def symbol_history(request: HttpRequest, session: Session, symbol: str, kind: str) -> dict[str, Any]:
    found, token = _page(request, session, kind, [symbols.checked(symbol)])
    return {"symbol": symbol, kind: found.get(symbol, []), "next_page_token": token}


@door
def latest(request: HttpRequest, session: Session, kind: str) -> dict[str, Any]:
    queries.latest(request.GET)
    return {kind: _latest(_days(session), kind, queries.listed_symbols(request.GET))}


@door
def symbol_latest(request: HttpRequest, session: Session, symbol: str, kind: str) -> dict[str, Any]:
    queries.latest(request.GET)
    found = _latest(_days(session), kind, [symbols.checked(symbol)])
    if symbol not in found:
        raise not_found(f"no {kind.removesuffix('s')} found for {symbol}")
    return {"symbol": symbol, kind.removesuffix("s"): found[symbol]}


@door
def all_snapshots(request: HttpRequest, session: Session) -> dict[str, Any]:
    queries.latest(request.GET)
    return snapshots.snapshots(_days(session), queries.listed_symbols(request.GET))


@door
def symbol_snapshot(request: HttpRequest, session: Session, symbol: str) -> dict[str, Any]:
    queries.latest(request.GET)
    found = snapshots.snapshots(_days(session), [symbols.checked(symbol)])
    if symbol not in found:
        raise not_found(f"no snapshot found for {symbol}")
    return {"symbol": symbol, **found[symbol]}


def _days(session: Session) -> Days:
    return Days(session, clock.visible(session))


def _page(request: HttpRequest, session: Session, kind: str, names: list[str]) -> Page:
    days = _days(session)
    read = _bars_of(request, days) if kind == "bars" else _ticks_of(days, kind)
    asked = queries.history(request.GET, names, days.today, days.visible)
    if asked.span.start > asked.span.end:
        return {}, None
    return page(asked.symbols, asked.span, asked.token, read(asked))


def _bars_of(request: HttpRequest, days: Days) -> Callable[[queries.History], Read]:
    timeframe = queries.timeframe(request.GET)

    def of(asked: queries.History) -> Read:
        rows = days.rows(asked.symbols, *bars.dates_of(asked.span, timeframe))
        return lambda symbol, span: bars.read(days, rows.get(symbol, []), timeframe, span)

    return of


def _ticks_of(days: Days, kind: str) -> Callable[[queries.History], Read]:
    def of(asked: queries.History) -> Read:
        ticks = Ticks(days.session, days.visible, kind)
        rows = ticks.rows(asked.symbols, new_york_date(asked.span.start), new_york_date(asked.span.end))
        return lambda symbol, span: ticks.read(symbol, rows.get(symbol, []), span)

    return of


def _latest(days: Days, kind: str, names: list[str]) -> dict[str, Any]:
    if kind == "bars":
        return snapshots.latest_bars(days, names)
    return Ticks(days.session, days.visible, kind).latest(names)


# --- trading API -----------------------------------------------------------------------------------


@door
def market_clock(request: HttpRequest, session: Session) -> dict[str, Any]:
    return clock.market_clock(clock.moving(session, dt.datetime.now(dt.UTC)))


@door
def trading_days(request: HttpRequest, session: Session) -> list[dict[str, str]]:
    return calendar.trading_days(request.GET.get("start"), request.GET.get("end"))


@door
def all_assets(request: HttpRequest, session: Session) -> list[dict[str, Any]]:
    return assets.assets(_days(session), request.GET)


@door
def one_asset(request: HttpRequest, session: Session, name: str) -> dict[str, Any]:
    return assets.asset(_days(session), name)


@door
def not_here(request: HttpRequest, session: Session, what: str) -> None:
    raise not_simulated(what)


@door
def unknown(request: HttpRequest, session: Session) -> None:
    raise not_found("endpoint not found.")
