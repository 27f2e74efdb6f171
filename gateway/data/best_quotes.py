"""The market's best bid and offer from quotes of one side or of one exchange: what a bot takes for "the quote".

It is what orders meet: of a consolidated dataset the newest bid and the newest ask, of one whose quotes are each
exchange's own the best over the exchanges, none older than what orders count. What stood before the open does not stand
at it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from broker.matching.terms import Terms
from gateway.data import trade_quote_wire as tick_wire
from gateway.data.page_tokens import Row, Span
from gateway.data.trades_quotes import TickRow, Ticks
from gateway.wire.moments import new_york_date, rfc3339_ns
from marketdata.columns import TickColumns
from marketdata.hours import DayPart
from marketdata.models import QuotesOf
from marketdata.units import SECOND_NS
from sessions.models import Session
from streaming.engine.frames.tick_blocks import TickBlock

STALE_NS = int(Terms().stale_seconds * SECOND_NS)
BID, ASK = 0, 1
NAMES = ("bid", "ask")


class Quoted(NamedTuple):
    """One side of one exchange's newest quote."""

    at: int
    price: float
    size: float
    exchange: str


NOTHING = Quoted(0, 0.0, 0.0, "")
Day = tuple[dt.date, bool]
"""New York's date, and whether it is before the open."""


@dataclass
class BestQuote:
    """What stands of one symbol: each side's newest quotes, by exchange where each speaks for itself alone."""

    by_exchange: bool
    newest: tuple[dict[str, Quoted], dict[str, Quoted]] = field(default_factory=lambda: ({}, {}))

    def take(self, at: int, values: Sequence[float], exchanges: Sequence[str]) -> None:
        """A row; `values` as `KINDS` names them."""
        for side in (BID, ASK):
            price, size = values[2 * side], values[2 * side + 1]
            if price == price:  # NaN: the row says nothing of this side
                self.newest[side][self._key(exchanges[side])] = Quoted(at, price, size, exchanges[side])

    def take_older(self, quotes: TickColumns, open_ns: int) -> None:
        """Rows before all that were taken, the newest first."""
        for side, name in enumerate(NAMES):
            rows = np.flatnonzero(~np.isnan(quotes.value(name)))
            codes = quotes.code(f"{name}_exchange")[rows]
            _, newest = np.unique(codes if self.by_exchange else np.zeros_like(codes), return_index=True)
            for row in rows[newest].tolist():
                exchange = quotes.words[quotes.code(f"{name}_exchange")[row]]
                price, size = (float(quotes.value(column)[row]) for column in (name, f"{name}_size"))
                quoted = Quoted(open_ns + int(quotes.at[row]), price, size, exchange)
                self.newest[side].setdefault(self._key(exchange), quoted)

    def needs(self, before: int, at: int) -> bool:
        """Whether quotes before that instant could still stand at a later one."""
        return at - before <= STALE_NS if self.by_exchange else not all(self.newest)

    def body(self, at: int, condition: str) -> Row:
        """In the broker's wire form, without time; a side of which nothing stands is 0."""
        bid, ask = self._best(BID, at), self._best(ASK, at)
        return tick_wire.quote(bid.price, bid.size, ask.price, ask.size, bid.exchange, ask.exchange, condition)

    def _best(self, side: int, at: int) -> Quoted:
        """A price or size of 0 withdraws what its exchange had said."""
        standing = [
            quoted
            for quoted in self.newest[side].values()
            if quoted.price > 0 and quoted.size != 0 and not (self.by_exchange and at - quoted.at > STALE_NS)
        ]
        sign = 1 if side == BID else -1
        return max(standing, key=lambda quoted: (sign * quoted.price, -quoted.at), default=NOTHING)

    def _key(self, exchange: str) -> str:
        return exchange if self.by_exchange else ""


def latest(ticks: Ticks, symbols: Sequence[str]) -> dict[str, Row]:
    """Symbol → what stands at its last quote; symbols without one are absent."""
    found = {symbol: newest(ticks, rows) for symbol, rows in ticks.recent(symbols).items()}
    return {symbol: {"t": rfc3339_ns(at), **best.body(at, word)} for symbol, (at, word, best) in found.items() if at}


def newest(ticks: Ticks, rows: Sequence[TickRow]) -> tuple[int, str, BestQuote]:
    """A symbol's last quote - when, its condition - and what stands then; 0 where it has none."""
    last, word, begun, best = 0, "", (0, False), BestQuote(is_by_exchange(ticks.session))
    for row, part, _ in ticks.parts(rows, Span(0, ticks.as_of, True, 1)):
        if not len(part):
            continue
        if not last:
            last, word = row.open_ns + int(part.at[0]), part.words[part.code("condition")[0]]
            begun = row.open_ns, row.place < 0
        if (row.open_ns, row.place < 0) != begun:
            break
        best.take_older(part, row.open_ns)
        if not best.needs(row.open_ns + int(part.at[-1]), last):
            break
    return last, word, best


def is_by_exchange(session: Session) -> bool:
    return session.dataset.quotes == QuotesOf.EXCHANGE


class BestQuotes:
    """The best quotes of a session's symbols, brought forward by its frames: what sockets send as quotes."""

    def __init__(self, session: Session) -> None:
        self.session, self.by_exchange = session, is_by_exchange(session)
        self.stands: dict[str, BestQuote] = {}
        self.day: Day | None = None

    def lacks(self, block: TickBlock) -> bool:
        """Whether the block has symbols of which nothing is known of this part of the day."""
        return self.day != day_of(block) or not self.stands.keys() >= set(block.symbols)

    def begin(self, block: TickBlock) -> None:
        """From what the store has from before the block. What is known of another day, or before the open, is over."""
        if self.day != day_of(block):
            self.day, self.stands = day_of(block), {}
        ticks = Ticks(self.session, int(block.at[0]) - 1, "quotes")
        symbols = {*self.session.symbols(), *block.symbols} - self.stands.keys()
        rows = ticks.rows(sorted(symbols), ticks.today, ticks.today)
        for symbol in symbols:
            same = [row for row in rows.get(symbol, []) if (row.place < 0) == (block.part == DayPart.PRE)]
            self.stands[symbol] = newest(ticks, same)[2]

    def events(self, block: TickBlock) -> Iterator[tuple[int, str, dict[str, Any]]]:
        """Time, symbol and message of each: one for a row that says both sides, else one for an instant's last row."""
        columns = (block.symbol, block.at, block.values.T, block.codes.T)
        rows = list(zip(*(column.tolist() for column in columns), strict=True))
        last = {(number, at): i for i, (number, at, _, _) in enumerate(rows)}
        for i, (number, at, values, codes) in enumerate(rows):
            symbol, (bid_exchange, ask_exchange, condition) = block.symbols[number], (block.words[c] for c in codes)
            best = self.stands[symbol]
            best.take(at, values, (bid_exchange, ask_exchange))
            is_whole = not self.by_exchange and values[0] == values[0] and values[2] == values[2]
            if is_whole or last[number, at] == i:
                yield at, symbol, {"T": "q", "S": symbol, **best.body(at, condition)}


def day_of(block: TickBlock) -> Day:
    return new_york_date(int(block.at[0])), block.part == DayPart.PRE
