"""Pages over many symbols' rows, symbol by symbol and then by time; the token says where the last one ended."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway.wire.wire_errors import bad_request

Row = dict[str, Any]


class Place(NamedTuple):
    """The last row given: its symbol, its moment, and how many rows of that very moment were given."""

    symbol: str
    ns: int
    given: int

    def token(self) -> str:
        text = f"{self.symbol}|{self.ns}|{self.given}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, token: str) -> Place:
        try:
            text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
            symbol, ns, given = text.split("|")
            return cls(symbol, int(ns), int(given))
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise bad_request(f"invalid page_token: {token}") from None


@dataclass(frozen=True, slots=True)
class Span:
    """What to read of one symbol: both ends included, in nanoseconds; at most `most` rows are needed."""

    start: int
    end: int
    descending: bool
    most: int


class Rows(NamedTuple):
    """One symbol's rows in the asked order, with the moment of each."""

    stamps: Sequence[int]
    rows: Sequence[Row]


Read = Callable[[str, Span], Rows]
Page = tuple[dict[str, list[Row]], str | None]


def page(symbols: Sequence[str], span: Span, token: str | None, read: Read) -> Page:
    """At most `span.most` rows over all symbols, and the token of the next page, None on the last one."""
    last = Place.parse(token) if token else None
    found: dict[str, list[Row]] = {}
    left = span.most
    for symbol in symbols:
        if last and not found and symbol < last.symbol:
            continue
        given, rest = _rest(span, last if last and last.symbol == symbol else None)
        got = read(symbol, Span(rest.start, rest.end, span.descending, given + left + 1))
        stamps, rows = got.stamps[given : given + left], got.rows[given : given + left]
        if rows:
            found[symbol] = list(rows)
            last, left = _place(symbol, stamps, last), left - len(rows)
        if len(got.rows) > given + len(rows) and last:
            return found, last.token()
    return found, None


def _rest(span: Span, last: Place | None) -> tuple[int, Span]:
    """How many rows at the beginning were given before, and the span that begins with them."""
    if last is None:
        return 0, span
    if span.descending:
        return last.given, Span(span.start, min(span.end, last.ns), True, span.most)
    return last.given, Span(max(span.start, last.ns), span.end, False, span.most)


def _place(symbol: str, stamps: Sequence[int], before: Place | None) -> Place:
    ns = stamps[-1]
    given = sum(1 for stamp in stamps if stamp == ns)
    if before and before.symbol == symbol and before.ns == ns:
        given += before.given
    return Place(symbol, ns, given)
