"""Made days and the orders of a day, at random."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from broker.matching.acts import Cancel, Place, Replace
from broker.matching.book import Act, Book
from broker.matching.day import DayData
from broker.matching.open_span import OpenSpan
from broker.matching.orders import Order
from broker.matching.state import Event, State
from broker.matching.terms import Terms
from tests.broker.books import (
    CLOSE_NS,
    MINUTE_NS,
    OPEN_NS,
    SECOND_NS,
    bar_columns,
    market_of,
    order,
    quote_columns,
    trade_columns,
)

MINUTES = 12
DAY_NS = 24 * 60 * MINUTE_NS
prices = st.integers(9_990, 10_010).map(lambda cents: cents / 100)
sizes = st.sampled_from([0, 10, 55, 100, 400, 3000])
moments = st.integers(0, MINUTES * 60)


@dataclass(frozen=True)
class Made:
    """A day as rows, from which any number of equal markets is made."""

    bars: Sequence[tuple[float, ...]]
    minutes: Sequence[int]
    trades: Sequence[tuple[Any, ...]] | None
    quotes: Sequence[tuple[Any, ...]] | None
    by_exchange: bool
    ledger: str

    def data(self, day: int) -> DayData:
        trades = None if self.trades is None else trade_columns(self.trades)
        quotes = None if self.quotes is None else quote_columns(self.quotes)
        return DayData(
            "AAPL",
            OPEN_NS + day * DAY_NS,
            CLOSE_NS + day * DAY_NS,
            bar_columns(self.bars, self.minutes),
            None if trades is None else lambda: trades,
            None if quotes is None else lambda: quotes,
            self.by_exchange,
            self.ledger,
        )


@st.composite
def made_days(draw: Callable[[Any], Any]) -> Made:
    minutes = sorted(draw(st.sets(st.integers(0, MINUTES - 1), min_size=1)))
    bars = []
    for _ in minutes:
        opened, other, third, closed = (draw(prices) for _ in range(4))
        high, low = max(opened, other, third, closed), min(opened, other, third, closed)
        bars.append((opened, high, low, closed, draw(sizes)))
    trades = draw(st.lists(st.tuples(moments, prices, sizes, st.sampled_from(["", "", "T", "O", "6"])), min_size=1))
    side = st.one_of(st.none(), st.just(0.0), prices)
    quotes = draw(st.lists(st.tuples(moments, side, sizes, side, sizes, st.sampled_from("NPQ")), min_size=1))
    letters = draw(st.lists(st.sampled_from("TTTTTH"), min_size=MINUTES, max_size=MINUTES))
    tier = draw(st.sampled_from(["bars", "trades", "quotes", "both"]))
    by_time = (sorted(rows, key=lambda row: row[0]) for rows in (trades, quotes))
    trades, quotes = by_time
    halted = {minute for minute, letter in enumerate(letters) if letter == "H"}
    kept = [(row, minute) for row, minute in zip(bars, minutes, strict=True) if minute not in halted]
    return Made(
        [row for row, _ in kept],
        [minute for _, minute in kept],
        trades if tier in ("trades", "both") else None,
        quotes if tier in ("quotes", "both") else None,
        draw(st.booleans()),
        "".join(letters) + "T" * (390 - MINUTES),
    )


@st.composite
def terms_of_orders(draw: Callable[[Any], Any]) -> dict[str, Any]:
    kind = draw(st.sampled_from(["market", "limit", "stop", "stop_limit", "trailing_stop"]))
    simple = kind in ("market", "limit")
    tifs = ["day", "gtc", "ioc", "fok", "opg", "cls"] if simple else ["day", "gtc"]
    given: dict[str, Any] = {
        "kind": kind,
        "qty": draw(st.sampled_from([1, 30, 100, 500])),
        "tif": draw(st.sampled_from(tifs)),
    }
    if kind in ("limit", "stop_limit"):
        given["limit_price"] = draw(prices)
    if kind in ("stop", "stop_limit"):
        given["stop_price"] = draw(prices)
    if kind == "trailing_stop":
        given["trail_price"] = draw(st.sampled_from([0.02, 0.05]))
    return given


@st.composite
def requests(draw: Callable[[Any], Any]) -> list[tuple[int, int, Act]]:
    """What is asked for, as (second, day, act)."""
    numbers, made, asked = itertools.count(1), list[Order](), list[tuple[int, int, Act]]()
    for _ in range(draw(st.integers(1, 8))):
        second, day = draw(moments), draw(st.integers(0, 1))
        what = draw(st.sampled_from(["place", "place", "place", "bracket", "cancel", "replace"]))
        side = draw(st.sampled_from(["buy", "sell"]))
        if what in ("cancel", "replace") and made:
            old = draw(st.sampled_from(made))
            act: Act = Cancel((old.id,))
            if what == "replace" and old.time_in_force in ("day", "gtc"):
                new = Order.of({**old.as_payload(), "id": f"order-{(number := next(numbers))}", "number": number})
                new.replaces, new.qty = old.id, draw(st.sampled_from([None, Decimal(40)]))
                act = Replace(old.id, new.as_payload())
                made.append(new)
        elif what == "bracket":
            group = bracket(draw, numbers, side)
            made += group
            act = Place(tuple(each.as_payload() for each in group))
        else:
            single = order(next(numbers), side, **draw(terms_of_orders()))
            made.append(single)
            act = Place((single.as_payload(),))
        asked.append((second, day, act))
    return sorted(asked, key=lambda each: (each[1], each[0]))


def bracket(draw: Callable[[Any], Any], numbers: itertools.count[int], side: str) -> list[Order]:
    first, far = next(numbers), draw(st.sampled_from([0.03, 0.08]))
    shared = {"group_id": f"group-{first}", "order_class": "bracket"}
    other, sign = ("sell", 1) if side == "buy" else ("buy", -1)
    held = {**shared, "status": "held", "parent_id": f"order-{first}"}
    return [
        order(first, side, "limit", limit_price=draw(prices), role="entry", **shared),
        order(next(numbers), other, "limit", limit_price=round(100 + sign * far, 2), role="take_profit", **held),
        order(next(numbers), other, "stop", stop_price=round(100 - sign * far, 2), role="stop_loss", **held),
    ]


def play(
    made: Made, asked: Sequence[tuple[int, int, Act]], rules: Terms, stops: Sequence[int] = (), *, again: bool = False
) -> tuple[list[Event], State]:
    """Two days of it. `stops`: seconds at which it is advanced besides; `again`: made from what is written down."""
    state, events = State(cash=Decimal(1_000_000), last_equity=Decimal(1_000_000)), list[Event]()
    for day in range(2):
        if again:
            state = State.of(state.as_payload())
        market, opens = market_of(made.data(day), rules), OPEN_NS + day * DAY_NS
        book = Book(state, rules, lambda symbol, market=market: market)  # type: ignore[misc]
        book.begin_day(OpenSpan(opens, CLOSE_NS + day * DAY_NS))
        today = [(second, number, act) for number, (second, on, act) in enumerate(asked, 1) if on == day]
        marks: list[tuple[int, int, Act | None]] = [*today, *((second, 0, None) for second in stops)]
        for second, number, act in sorted(marks, key=lambda each: each[:2]):
            at = opens + second * SECOND_NS
            book.advance(at)
            if act is not None:
                book.act(act, at + rules.latency_ms * 1_000_000, number)
        book.advance(CLOSE_NS + day * DAY_NS)
        events += book.take_events()[0]
    return events, state
