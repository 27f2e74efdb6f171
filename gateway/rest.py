"""The broker's REST API on a session's clock. Each view reads its query, asks one question and answers."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Collection
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec

import orjson
import redis
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from gateway import assets, auctions, bars, market_words, queries, snapshots, symbols, throttle
from gateway import key_auth as keys
from gateway import market_calendar as calendar
from gateway import market_clock as clock
from gateway.day_cache import Days
from gateway.moments import midnight, new_york_date
from gateway.page_tokens import Page, Read, Rows, Span, page
from gateway.spelling import as_stored
from gateway.trades_quotes import Ticks
from gateway.wire_errors import GatewayError, as_refusal, bad_request, method_not_allowed, not_found, unauthorized
from marketdata.actions.adjusting import Adjuster, CannotAdjust
from sessions.models import Session

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


READING = ("GET", "HEAD")


def session_view(
    question: Callable[Concatenate[HttpRequest, Session, P], Any], methods: Collection[str] = READING
) -> View[P]:
    """A view for callers with a key: the question gets the key's session, every refusal the broker's shape."""

    @csrf_exempt
    @functools.wraps(question)
    def view(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        headers: dict[str, str] = {}
        try:
            session, allowance = _admitted(request)
            headers = allowance.headers()
            if request.method not in methods:
                raise method_not_allowed(methods)
            return _answer(question(request, session, *args, **kwargs), headers)
        except (GatewayError, OperationalError, redis.ConnectionError, redis.TimeoutError) as error:
            reported = as_refusal(error)
            return _answer(reported.body, headers | reported.headers, reported.status)

    return view


def _admitted(request: HttpRequest) -> tuple[Session, throttle.Allowance]:
    key = keys.of_request(request)
    if key is None:
        raise unauthorized()
    return key.session, throttle.spend(key.key_id)


def _answer(body: Any, headers: dict[str, str], status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    return HttpResponse(orjson.dumps(body), content_type="application/json", status=status, headers=headers)


# --- market data -----------------------------------------------------------------------------------


@session_view
def history(request: HttpRequest, session: Session, kind: str) -> dict[str, Any]:
    found, token = _page(request, session, kind, queries.listed_symbols(request.GET))
    return {kind: found, "next_page_token": token}


@session_view
def symbol_history(request: HttpRequest, session: Session, symbol: str, kind: str) -> dict[str, Any]:
    found, token = _page(request, session, kind, [symbols.checked(symbol)])
    return {"symbol": symbol, kind: found.get(symbol, []), "next_page_token": token}


@session_view
def latest(request: HttpRequest, session: Session, kind: str) -> dict[str, Any]:
    queries.latest(request.GET)
    return {kind: _latest(_days(session), kind, queries.listed_symbols(request.GET))}


@session_view
def symbol_latest(request: HttpRequest, session: Session, symbol: str, kind: str) -> dict[str, Any]:
    queries.latest(request.GET)
    found = _latest(_days(session), kind, [symbols.checked(symbol)])
    if symbol not in found:
        raise not_found(f"no {kind.removesuffix('s')} found for {symbol}")
    return {"symbol": symbol, kind.removesuffix("s"): found[symbol]}


@session_view
def all_auctions(request: HttpRequest, session: Session) -> dict[str, Any]:
    found, token = _auctions(request, session, queries.listed_symbols(request.GET))
    return {"auctions": found, "next_page_token": token}


@session_view
def symbol_auctions(request: HttpRequest, session: Session, symbol: str) -> dict[str, Any]:
    found, token = _auctions(request, session, [symbols.checked(symbol)])
    return {"symbol": symbol, "auctions": found.get(symbol, []), "next_page_token": token}


def _auctions(request: HttpRequest, session: Session, names: list[str]) -> Page:
    days = _days(session)
    asked = queries.history(request.GET, names, days.today, days.as_of)
    ticks, first, last = Ticks(session, days.as_of, "trades"), *map(new_york_date, (asked.span.start, asked.span.end))
    bars_of, trades_of = days.rows(names, first, last), ticks.rows(names, first, last)
    span = replace(asked.span, start=midnight(first))

    def read(symbol: str, part: Span) -> Rows:
        return auctions.read(days, ticks, bars_of.get(symbol, []), trades_of.get(symbol, []), part)

    return page(asked.symbols, span, asked.token, read)


@session_view
def exchanges(request: HttpRequest, session: Session) -> dict[str, str]:
    return market_words.EXCHANGES


@session_view
def conditions(request: HttpRequest, session: Session, kind: str) -> dict[str, str]:
    return market_words.conditions(kind, request.GET)


@session_view
def all_snapshots(request: HttpRequest, session: Session) -> dict[str, Any]:
    queries.latest(request.GET)
    return snapshots.snapshots(_days(session), queries.listed_symbols(request.GET))


@session_view
def symbol_snapshot(request: HttpRequest, session: Session, symbol: str) -> dict[str, Any]:
    queries.latest(request.GET)
    found = snapshots.snapshots(_days(session), [symbols.checked(symbol)])
    if symbol not in found:
        raise not_found(f"no snapshot found for {symbol}")
    return {"symbol": symbol, **found[symbol]}


def _days(session: Session) -> Days:
    return Days(session, clock.as_of(session))


def _page(request: HttpRequest, session: Session, kind: str, names: list[str]) -> Page:
    days = _days(session)
    read = _bars_of(request, days) if kind == "bars" else _ticks_of(days, kind)
    asked = queries.history(request.GET, names, days.today, days.as_of)
    if asked.span.start > asked.span.end:
        return {}, None
    return page(asked.symbols, asked.span, asked.token, read(asked))


def _bars_of(request: HttpRequest, days: Days) -> Callable[[queries.History], Read]:
    timeframe, adjustment = queries.timeframe(request.GET), queries.adjustment(request.GET)

    def of(asked: queries.History) -> Read:
        first, last = bars.dates_of(asked.span, timeframe)
        rows = days.rows(asked.symbols, first, last)
        named = as_stored(days.session.dataset_id, asked.symbols)

        def read(symbol: str, span: Span) -> Rows:
            try:
                adjuster = Adjuster(days.session.dataset, named[symbol], first, days.today, adjustment)
            except CannotAdjust as error:
                raise bad_request(str(error)) from None
            return bars.read(days, rows.get(symbol, []), timeframe, span, adjuster)

        return read

    return of


def _ticks_of(days: Days, kind: str) -> Callable[[queries.History], Read]:
    def of(asked: queries.History) -> Read:
        ticks = Ticks(days.session, days.as_of, kind)
        rows = ticks.rows(asked.symbols, new_york_date(asked.span.start), new_york_date(asked.span.end))
        return lambda symbol, span: ticks.read(symbol, rows.get(symbol, []), span)

    return of


def _latest(days: Days, kind: str, names: list[str]) -> dict[str, Any]:
    if kind == "bars":
        return snapshots.latest_bars(days, names)
    return snapshots.latest_ticks(days, kind, names)


# --- trading API -----------------------------------------------------------------------------------


@session_view
def market_clock(request: HttpRequest, session: Session) -> dict[str, Any]:
    return clock.market_clock(clock.moving(session, dt.datetime.now(dt.UTC)), session.calendar)


@session_view
def trading_days(request: HttpRequest, session: Session) -> list[dict[str, str]]:
    return calendar.trading_days(request.GET.get("start"), request.GET.get("end"), _days(session).today)


@session_view
def all_assets(request: HttpRequest, session: Session) -> list[dict[str, Any]]:
    return assets.assets(_days(session), request.GET)


@session_view
def one_asset(request: HttpRequest, session: Session, name: str) -> dict[str, Any]:
    return assets.asset(_days(session), name)


def _unknown(request: HttpRequest, session: Session) -> None:
    raise not_found("endpoint not found.")


unknown = session_view(_unknown, (*READING, "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"))
