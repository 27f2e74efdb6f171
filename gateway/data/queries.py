"""What a request for market data asks for, read once and checked at the edge."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.data.page_tokens import Span
from gateway.data.timeframes import Timeframe
from gateway.wire import moments, symbols
from gateway.wire.wire_errors import bad_request

FEEDS = frozenset({"iex", "sip", "otc", "boats"})
LATEST_FEEDS = FEEDS | {"delayed_sip", "overnight"}
ADJUSTMENTS = frozenset({"raw", "split", "dividend", "spin-off", "all"})
DEFAULT_LIMIT, MOST = 1000, 10_000
CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class History:
    symbols: Sequence[str]
    span: Span
    token: str | None


def history(query: Mapping[str, str], names: Sequence[str], today: dt.date, now: int) -> History:
    """A range of bars, trades or quotes; what is not given ends now and begins with the current day."""
    _checked_common(query, FEEDS)
    start = moments.start_of(query["start"]) if query.get("start") else moments.midnight(today)
    end = moments.end_of(query["end"]) if query.get("end") else max(now, start)
    if end < start:
        raise bad_request("end should not be before start")
    span = Span(start, min(end, now), _is_descending(query.get("sort")), _limit(query.get("limit")))
    return History(names, span, query.get("page_token") or None)


def adjustment(query: Mapping[str, str]) -> str:
    """One or more with commas. Spin-offs are not known: asking for them changes nothing."""
    asked = query.get("adjustment") or "raw"
    for name in asked.split(","):
        if name not in ADJUSTMENTS:
            raise bad_request(f"invalid adjustment: {name}")
    return asked


def timeframe(query: Mapping[str, str]) -> Timeframe:
    return Timeframe.parse(query.get("timeframe", ""))


def latest(query: Mapping[str, str]) -> None:
    _checked_common(query, LATEST_FEEDS)


def listed_symbols(query: Mapping[str, str]) -> list[str]:
    return symbols.parse(query.get("symbols", ""))


def _checked_common(query: Mapping[str, str], feeds: frozenset[str]) -> None:
    """Accepted where well-formed: a session has one dataset, whatever feed, currency or mapping date is asked for."""
    if (feed := query.get("feed")) and feed not in feeds:
        raise bad_request(f"invalid feed: {feed}")
    if (currency := query.get("currency")) and not CURRENCY.fullmatch(currency):
        raise bad_request(f"invalid currency: {currency}")
    if (asof := query.get("asof")) and asof != "-":
        moments.start_of(asof, "asof")


def _is_descending(sort: str | None) -> bool:
    if sort not in (None, "", "asc", "desc"):
        raise bad_request(f"invalid sort: {sort}")
    return sort == "desc"


def _limit(text: str | None) -> int:
    if not text:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdigit() or not text.strip("0"):
        raise bad_request(f"invalid limit: {text}: it must be a number from 1 to {MOST}")
    if len(text.lstrip("0")) > len(str(MOST)) or int(text) > MOST:
        raise bad_request(f"invalid limit: larger than the allowed maximum of {MOST}")
    return int(text)
