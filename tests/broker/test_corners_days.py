"""Corners of days: fees, extended hours, half days, what is written down overnight."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from broker.matching.book import Book
from broker.matching.day import DayData
from broker.matching.fees import Fees
from broker.matching.open_span import OpenSpan
from broker.matching.state import State
from broker.matching.terms import Side, Terms
from broker.trader import sessions_of
from marketdata import calendar
from marketdata.exchange_calendar import calendar_of
from marketdata.hours import DayPart, Hours
from tests.broker.books import CLOSE_NS, MINUTE_NS, OPEN_NS, Table, bar_columns, market_of, table, trade_columns

HOUR_NS = 60 * MINUTE_NS


@pytest.mark.parametrize(
    ("date", "fees"),
    [
        (dt.date(2025, 5, 13), {"SEC fee": "1.39", "TAF fee": "0.17", "CAT fee": "0.01"}),
        (dt.date(2025, 5, 14), {"TAF fee": "0.17", "CAT fee": "0.01"}),
        (dt.date(2026, 4, 4), {"SEC fee": "1.03", "TAF fee": "0.20", "CAT fee": "0.01"}),
        (dt.date(2026, 10, 1), {"SEC fee": "1.03", "CAT fee": "0.01"}),
    ],
)
def test_the_fees_are_those_of_the_date(date: dt.date, fees: dict[str, str]) -> None:
    accrued = Fees()
    accrued.accrue(date, Side.SELL, Decimal(1000), Decimal(50))
    assert {words: str(amount) for words, amount in accrued.rounded()} == fees


def test_the_activity_fee_has_a_most_for_each_execution() -> None:
    accrued = Fees()
    accrued.accrue(dt.date(2025, 1, 2), Side.SELL, Decimal(100_000), Decimal(1))
    accrued.accrue(dt.date(2025, 1, 2), Side.SELL, Decimal(100), Decimal(1))
    assert accrued.taf == Decimal("8.30") + Decimal("0.0166")


def test_fees_are_taken_from_the_cash_at_the_close() -> None:
    at = table(bar_columns([(50, 50, 50, 50), (50, 50, 50, 50)]), profile="fees", cash=100_000)
    at.place("buy", qty=1000)
    at.at(1)
    at.place("sell", qty=1000)
    at.at(2)
    assert at.book.state.cash == 100_000
    at.at(390)
    # 27.80 for each million sold, 0.000166 for each share sold, 0.000003 for each share: 1.39, 0.166 and 0.006.
    assert at.book.state.cash == Decimal(100_000) - Decimal("1.39") - Decimal("0.17") - Decimal("0.01")
    assert [activity.words for activity in at.book.state.activities] == ["SEC fee", "TAF fee", "CAT fee"]
    assert at.book.state.last_equity == at.book.state.cash
    assert State.of(at.book.state.as_payload()) == at.book.state


def outside_book() -> Table:
    """Before the open: bars at 8:00 and 9:00 New York."""
    pre = DayData(
        "AAPL",
        OPEN_NS,
        OPEN_NS,
        bar_columns([(99, 99, 98, 99), (97, 97, 97, 97)], minutes=[-90, -30]),
        outside=True,
        begins_ns=OPEN_NS - 330 * MINUTE_NS,
    )
    regular = DayData("AAPL", OPEN_NS, CLOSE_NS, bar_columns([(100, 100, 96, 100), (90, 90, 90, 90)]))
    post = DayData(
        "AAPL",
        OPEN_NS,
        CLOSE_NS + 4 * HOUR_NS,
        bar_columns([(80, 80, 80, 80)], minutes=[400]),
        outside=True,
        begins_ns=CLOSE_NS,
    )
    rules = Terms()
    markets = {id(day): market_of(day, rules) for day in (pre, regular, post)}

    def of_part(symbol: str) -> object:
        now = book.span
        day = regular if now is None or not now.outside else (pre if now.close_ns == OPEN_NS else post)
        return markets[id(day)]

    book = Book(State(cash=Decimal(1_000_000)), rules, of_part)  # type: ignore[arg-type]
    book.begin_day(OpenSpan(OPEN_NS - 330 * MINUTE_NS, OPEN_NS, outside=True, is_last=False))
    return Table(book)


def begin_regular(at: Table) -> None:
    at.at(0)
    at.book.begin_day(OpenSpan(OPEN_NS, CLOSE_NS, is_last=False))
    at._hear()


def begin_post(at: Table) -> None:
    at.at(390)
    at.book.begin_day(OpenSpan(CLOSE_NS, CLOSE_NS + 4 * HOUR_NS, outside=True))
    at._hear()


def test_before_the_open_only_orders_for_extended_hours_are_filled() -> None:
    at = outside_book()
    marked = at.place("buy", "limit", limit_price="98.5", extended_hours=True)
    plain = at.place("buy", "limit", limit_price="98.5")
    assert (at.kinds(marked), at.kinds(plain)) == (["new"], ["accepted"])
    begin_regular(at)
    assert at.fills(marked) == [(Decimal(100), Decimal("98.5"))]
    assert at.kinds(plain) == ["accepted", "new"]
    at.at(1)
    assert at.fills(plain) == [(Decimal(100), Decimal("98.5"))]


def test_an_order_for_extended_hours_lives_to_the_end_of_the_evening() -> None:
    at = outside_book()
    begin_regular(at)
    low = at.place("buy", "limit", limit_price="85", extended_hours=True)
    lower = at.place("buy", "limit", limit_price="75", extended_hours=True)
    plain = at.place("buy", "limit", limit_price="85")
    begin_post(at)
    assert at.kinds(plain) == ["new", "expired"]
    at.at(700)
    assert at.fills(low) == [(Decimal(100), Decimal(80))]
    assert at.kinds(lower) == ["new", "expired"]


def test_the_hours_of_a_day_end_early_with_it() -> None:
    day = calendar_of(hours=Hours.EXTENDED).trading_day(dt.date(2025, 7, 3))
    parts = sessions_of(day)
    assert [part for part, _ in parts] == [DayPart.PRE, DayPart.REGULAR, DayPart.POST]
    ends = [dt.datetime.fromtimestamp(span.close_ns / 1e9, calendar.NEW_YORK).time() for _, span in parts]
    assert ends == [dt.time(9, 30), dt.time(13), dt.time(17)]
    assert [span.is_last for _, span in parts] == [False, False, True]


def test_outside_the_regular_hours_a_form_t_trade_counts() -> None:
    trades = trade_columns([(-60, 99, 1000, "T"), (-30, 98, 1000, "T")])
    day = DayData("AAPL", OPEN_NS, OPEN_NS, None, lambda: trades, outside=True, begins_ns=OPEN_NS - HOUR_NS)
    market = market_of(day, Terms())
    assert market.mark(OPEN_NS - 40 * 1_000_000_000) == Decimal(99)


def test_a_day_without_a_price_is_worth_what_the_last_one_was() -> None:
    at = table(bar_columns([(10, 10, 10, 12)]))
    at.place("buy", qty=100)
    at.at(390)
    assert at.book.state.last_equity == Decimal(1_000_000) + 200
    at.book.market = lambda symbol: None
    at.book.begin_day(OpenSpan(OPEN_NS, CLOSE_NS))
    at.at(390)
    assert at.book.state.last_equity == Decimal(1_000_000) + 200


def test_an_order_of_a_symbol_without_data_says_that_it_waits() -> None:
    at = table(bar_columns([(10, 10, 10, 12)]))
    at.book.market = lambda symbol: None
    made = at.place("buy")
    assert at.notes(made) == ["waits: the store has nothing of AAPL on this day"]
