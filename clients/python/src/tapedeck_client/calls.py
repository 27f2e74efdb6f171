"""Requests as values: what is asked, and how the answer is read. Both clients send the same ones."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

from tapedeck_client.decoding import decode
from tapedeck_client.errors import UnexpectedAnswer, api_error
from tapedeck_client.frame_records import FrameId
from tapedeck_client.market_records import Bar, Quote, Trade, bar_of, quote_of, trade_of
from tapedeck_client.moments import Moment, optional_moment, wire_text
from tapedeck_client.session_info import Page, ReaderInfo, SessionInfo, SystemStatus
from tapedeck_client.tables import Table

T = TypeVar("T")
STORED_BARS_PAGE = 50_000
OPENING = ("fork", "restart")
"""Controls that open a session."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request. `read` makes the result of the answer's JSON, None where the answer is empty."""

    method: str
    path: str
    read: Callable[[Any], T]
    query: Mapping[str, Any] | None = None
    body: Mapping[str, Any] | None = None
    key: str | None = None
    """A request that opens a session or places an order has one: sent again with the same one, it makes no second."""

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Idempotency-Key": f'"{self.key}"'} if self.key else {}

    def result(self, status: int, content: bytes, headers: Mapping[str, str]) -> T:
        """What the answer says. Raises ApiError, and UnexpectedAnswer for what is no answer of Tapedeck's API."""
        if status >= 400:
            raise api_error(status, content, headers)
        try:
            return self.read(json.loads(content) if content else None)
        except (ValueError, KeyError, TypeError) as error:
            raise UnexpectedAnswer(
                f"{self.path} answered with status {status} and {content[:80]!r}: {error}."
            ) from error


def given(**values: Any) -> dict[str, Any]:
    """Without those that are None: the server has defaults."""
    return {name: value for name, value in values.items() if value is not None}


def session_info(row: Mapping[str, Any]) -> SessionInfo:
    return decode(SessionInfo, row)


def system_status() -> Call[SystemStatus]:
    return Call("GET", "api/status/", lambda row: decode(SystemStatus, row))


def token(username: str, password: str) -> Call[str]:
    body = {"username": username, "password": password}
    return Call("POST", "api/token/", lambda row: str(row["token"]), body=body)


def sessions(cursor: str | None, filters: Mapping[str, Any]) -> Call[Page]:
    query = {name: wire_text(name, value) if name == "date" else value for name, value in filters.items()}
    return Call("GET", "api/sessions/", _page, query=given(cursor=cursor, **query))


def session(session_id: int) -> Call[SessionInfo]:
    return Call("GET", f"api/sessions/{session_id}/", session_info)


def start(symbols: Iterable[str], recipe: Mapping[str, Any]) -> Call[SessionInfo]:
    days = {name: wire_text(name, recipe[name]) for name in ("date", "until") if recipe.get(name) is not None}
    lists = {name: list(recipe[name]) for name in ("derive", "types") if recipe.get(name) is not None}
    if "types" in lists:
        lists["types"] = stream_types(lists["types"])
    body = {**given(**recipe), **days, **lists, "symbols": list(symbols)}
    return Call("POST", "api/sessions/", session_info, body=body, key=str(uuid.uuid4()))


def control(session_id: int, verb: str, **body: Any) -> Call[SessionInfo]:
    """pause, resume, stop, step, seek, speed, add_symbols, remove_symbols, fork, restart."""
    key = str(uuid.uuid4()) if verb in OPENING else None
    return Call("POST", f"api/sessions/{session_id}/{verb}/", session_info, body=body, key=key)


def seek(session_id: int, to: Moment) -> Call[SessionInfo]:
    return control(session_id, "seek", to=wire_text("to", to))


def fork(session_id: int, at: Moment | None) -> Call[SessionInfo]:
    return control(session_id, "fork", **({} if at is None else {"at": wire_text("at", at)}))


def readers(session_id: int) -> Call[tuple[ReaderInfo, ...]]:
    path = f"api/sessions/{session_id}/readers/"
    return Call("GET", path, lambda rows: tuple(decode(ReaderInfo, row) for row in rows))


def acknowledge(session_id: int, reader: str, frame: FrameId) -> Call[None]:
    path = f"api/sessions/{session_id}/readers/{reader}/acknowledge/"
    return Call("POST", path, lambda _: None, body={"id": str(frame)})


def session_bars(
    session_id: int,
    symbol: str,
    interval: str | None,
    start: Moment | None,
    end: Moment | None,
    limit: int | None,
    adjustment: str | None,
) -> Call[Table[Bar]]:
    def read(answer: Mapping[str, Any]) -> Table[Bar]:
        return Table.of(Bar, map(bar_of, answer["bars"]), optional_moment(answer["clock"]))

    window = _window(start, end)
    query = given(symbol=symbol, interval=interval, limit=limit, adjustment=adjustment, **window, format="json")
    return Call("GET", f"api/sessions/{session_id}/bars/", read, query=query)


def session_trades(session_id: int, symbol: str, start: Moment | None, limit: int | None) -> Call[Table[Trade]]:
    def read(answer: Mapping[str, Any]) -> Table[Trade]:
        return Table.of(Trade, map(trade_of, answer["trades"]), optional_moment(answer["clock"]))

    query = given(symbol=symbol, limit=limit, **_window(start, None))
    return Call("GET", f"api/sessions/{session_id}/trades/", read, query=query)


def session_quotes(session_id: int, symbol: str, start: Moment | None, limit: int | None) -> Call[Table[Quote]]:
    def read(answer: Mapping[str, Any]) -> Table[Quote]:
        return Table.of(Quote, map(quote_of, answer["quotes"]), optional_moment(answer["clock"]))

    query = given(symbol=symbol, limit=limit, **_window(start, None))
    return Call("GET", f"api/sessions/{session_id}/quotes/", read, query=query)


@dataclass(frozen=True, slots=True)
class StoredBars:
    """A page of the store's bars, and the question that the next one answers; None on the last."""

    bars: tuple[Bar, ...]
    following: Mapping[str, str] | None


def stored_bars(
    symbol: str,
    interval: str | None,
    start: Moment | None,
    end: Moment | None,
    dataset: str | None,
    scope: str | None,
) -> dict[str, Any]:
    """The question for the first page."""
    window = _window(start, end)
    return given(symbol=symbol, interval=interval, **window, dataset=dataset, scope=scope, limit=STORED_BARS_PAGE)


def stored_bars_page(query: Mapping[str, Any]) -> Call[StoredBars]:
    def read(answer: Mapping[str, Any]) -> StoredBars:
        shared = {name: answer[name] for name in ("symbol", "interval", "synthetic")}
        bars = tuple(bar_of(row, shared) for row in answer["bars"])
        return StoredBars(bars, _query_of(answer["next"]) if answer["next"] else None)

    return Call("GET", "api/bars/", read, query={**query, "format": "json"})


def stream_types(names: Iterable[str]) -> list[str]:
    """Trades are called `ticks` in a session's types; both names are taken here."""
    return ["ticks" if name == "trades" else name for name in names]


def _window(start: Moment | None, end: Moment | None) -> dict[str, str]:
    return {name: wire_text(name, value) for name, value in (("start", start), ("end", end)) if value is not None}


def _page(answer: Mapping[str, Any]) -> Page:
    cursor = _query_of(answer["next"]).get("cursor") if answer["next"] else None
    return Page(tuple(answer["results"]), cursor)


def _query_of(address: str) -> dict[str, str]:
    """The question of the next page's address: requests, and the token with them, stay on the client's own."""
    return {name: values[-1] for name, values in parse_qs(urlsplit(address).query).items()}
