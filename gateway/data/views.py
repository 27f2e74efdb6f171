"""Market data over HTTP, up to the session's clock. Each view reads its query, asks one question and answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.http import HttpRequest

from gateway.callers.session_view import session_view
from gateway.data import auctions, bars, market_words, queries, snapshots
from gateway.data.day_cache import Days, days_of
from gateway.data.page_tokens import Page, Read, Rows, Span, page
from gateway.data.trades_quotes import Ticks
from gateway.wire import symbols
from gateway.wire.moments import midnight, new_york_date
from gateway.wire.spelling import as_stored
from gateway.wire.wire_errors import bad_request, not_found
from marketdata.actions.adjusting import Adjuster, CannotAdjust
from sessions.models import Session


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
    return {kind: _latest(days_of(session), kind, queries.listed_symbols(request.GET))}


@session_view
def symbol_latest(request: HttpRequest, session: Session, symbol: str, kind: str) -> dict[str, Any]:
    queries.latest(request.GET)
    found = _latest(days_of(session), kind, [symbols.checked(symbol)])
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
    days = days_of(session)
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
    return snapshots.snapshots(days_of(session), queries.listed_symbols(request.GET))


@session_view
def symbol_snapshot(request: HttpRequest, session: Session, symbol: str) -> dict[str, Any]:
    queries.latest(request.GET)
    found = snapshots.snapshots(days_of(session), [symbols.checked(symbol)])
    if symbol not in found:
        raise not_found(f"no snapshot found for {symbol}")
    return {"symbol": symbol, **found[symbol]}


def _page(request: HttpRequest, session: Session, kind: str, names: list[str]) -> Page:
    days = days_of(session)
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
