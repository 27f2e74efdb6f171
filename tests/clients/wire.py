"""Messages as the server sends them, for tests without one."""

from __future__ import annotations

from typing import Any

BAR: dict[str, Any] = {
    "type": "bar",
    "symbol": "AAPL",
    "interval": "1m",
    "start": "2024-11-18T14:30:00Z",
    "end": "2024-11-18T14:31:00Z",
    "open": 100.0,
    "high": 101.0,
    "low": 99.5,
    "close": 100.5,
    "volume": 1200,
    "trade_count": None,
    "vwap": 100.25,
    "n_present": 1,
    "n_expected": 1,
    "complete": True,
    "synthetic": False,
}
FLAGS: dict[str, Any] = {"condition": None, "suspicious": False, "corrected": False, "synthetic": False}
TRADE: dict[str, Any] = {
    "type": "trade",
    "symbol": "AAPL",
    "at": "2024-11-18T14:30:00.123456789Z",
    "price": 100.25,
    "size": 0.5,
    "exchange": "Q",
    **FLAGS,
}
QUOTE: dict[str, Any] = {
    "type": "quote",
    "symbol": "AAPL",
    "at": "2024-11-18T14:30:00.1Z",
    "bid": 100.24,
    "bid_size": 3,
    "bid_exchange": "Q",
    "ask": None,
    "ask_size": None,
    "ask_exchange": None,
    **FLAGS,
}


def frame(place: str, *events: dict[str, Any]) -> dict[str, Any]:
    """A message with a frame."""
    return {"id": place, "clock": "2024-11-18T14:31:00Z", "hash": "00", "events": list(events)}


def account_event(place: str, kind: str = "fill", account: str = "swing") -> dict[str, Any]:
    """A message with an event of an account."""
    order = {"id": "0b6b5f0e-54cf-4c65-9d3c-7a7065646b02", "status": "filled", "filled_qty": "10"}
    named = {"type": "account", "account": account, "event": kind, "number": 1, "symbol": "AAPL"}
    row = {**named, "order": order, "execution": {"qty": "10", "price": "100.5"}, "note": None}
    return {"id": place, "clock": "2024-11-18T14:31:00Z", "hash": None, "events": [row]}


def notice(**event: Any) -> dict[str, Any]:
    """A message with a notice."""
    return {"id": None, "clock": event.get("clock"), "hash": None, "events": [event]}


def snapshot(as_of: str | None, part: int = 1, parts: int = 1, *bars: dict[str, Any]) -> dict[str, Any]:
    """A part of the day so far."""
    clock = "2024-11-18T14:31:00Z" if as_of else None
    return notice(type="snapshot", as_of=as_of, clock=clock, part=part, parts=parts, bars=list(bars))
