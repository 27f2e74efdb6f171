"""Corners of trades and quotes, each worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from broker.matching.conditions import letters
from tests.broker.books import bar_columns, quote_columns, table, trade_columns
from tests.broker.test_tick_fills import seconds


def test_a_quote_that_is_too_old_does_not_cross_the_market() -> None:
    quotes = quote_columns([(1, 100.2, 300, 100.3, 200), (90, None, None, 100.1, 200)])
    at = table(quotes=quotes)
    at.at(seconds(70))
    made = at.place("buy", qty=100)
    at.at(seconds(90))
    # The bid of 100.2 is 89 seconds old: it does not count.
    assert at.fills(made) == [(Decimal(100), Decimal("100.1"))]


def test_a_quote_as_old_as_the_limit_counts() -> None:
    at = table(quotes=quote_columns([(1, 99.9, 300, 100.1, 200)]))
    at.at(seconds(61))
    assert at.fills(at.place("buy", qty=100)) == [(Decimal(100), Decimal("100.1"))]


def test_each_exchange_at_the_best_price_is_an_execution_the_oldest_first() -> None:
    quotes = quote_columns(
        [(1, 99.9, 300, 100.1, 200, "N"), (2, 99.8, 300, 100.1, 100, "P"), (2.5, 99.8, 300, 100.2, 900, "Q")]
    )
    at = table(quotes=quotes, by_exchange=True)
    at.at(seconds(3))
    made = at.place("buy", qty=400)
    assert at.fills(made) == [(Decimal(200), Decimal("100.1")), (Decimal(100), Decimal("100.1"))]


def test_an_exchange_whose_quote_is_too_old_gives_way_to_the_next_best() -> None:
    quotes = quote_columns([(1, 99.9, 300, 100.1, 200, "N"), (50, 99.8, 300, 100.2, 100, "P")])
    at = table(quotes=quotes, by_exchange=True)
    at.at(seconds(70))
    assert at.fills(at.place("buy", qty=50)) == [(Decimal(50), Decimal("100.2"))]


def test_quotes_of_one_stamp_are_looked_at_when_the_last_is_in() -> None:
    quotes = quote_columns([(1, 99.9, 300, 100.1, 200), (10, 99.8, 300, 99.9, 200), (10, 99.8, 300, 100.0, 200)])
    at = table(quotes=quotes)
    at.at(seconds(5))
    made = at.place("buy", "limit", qty=100, limit_price="99.9")
    at.at(seconds(20))
    assert at.fills(made) == []


def test_units_that_were_taken_count_against_the_smallest_size_shown_since() -> None:
    quotes = quote_columns([(1, 99, 100, 100, 200), (10, 99, 100, 100, 50), (20, 99, 100, 100, 200)])
    at = table(quotes=quotes)
    at.at(seconds(5))
    first = at.place("buy", qty=200)
    assert at.fills(first) == [(Decimal(200), Decimal(100))]
    at.at(seconds(11))
    second = at.place("buy", qty=500)
    assert at.fills(second) == []
    at.at(seconds(20))
    # Of the 200 taken at most the 50 that were shown since count: 150 are new.
    assert at.fills(second) == [(Decimal(150), Decimal(100))]


def test_a_print_through_the_limit_fills_also_while_the_market_is_crossed() -> None:
    trades = trade_columns([(5, 100.0, 100), (20, 99.7, 300)])
    at = table(trades=trades, quotes=quote_columns([(1, 99.8, 300, 100.1, 200), (10, 100.3, 100, 100.1, 100)]))
    at.at(seconds(6))
    made = at.place("buy", "limit", qty=100, limit_price="99.8")
    at.at(seconds(20))
    assert at.fills(made) == [(Decimal(30), Decimal("99.8"))]


def test_a_limit_that_has_not_seen_a_far_side_yet_is_not_resting() -> None:
    trades = trade_columns([(5, 99.0, 1000)])
    at = table(trades=trades, quotes=quote_columns([(10, 98.9, 300, 99.2, 200)]))
    at.at(seconds(1))
    made = at.place("buy", "limit", qty=100, limit_price="99.5")
    at.at(seconds(9))
    assert at.fills(made) == []
    at.at(seconds(10))
    assert at.fills(made) == [(Decimal(100), Decimal("99.2"))]


def test_a_trade_of_the_arrivals_own_stamp_is_not_met() -> None:
    trades = trade_columns([(6, 99.0, 1000)])
    at = table(trades=trades, quotes=quote_columns([(1, 99.8, 300, 100.1, 200)]))
    at.at(seconds(6))
    made = at.place("buy", "limit", qty=100, limit_price="99.5")
    at.at(seconds(30))
    assert at.fills(made) == []


def test_what_is_left_of_a_buy_stop_gets_the_ask_and_not_its_collar() -> None:
    quotes = quote_columns([(1, 100, 300, 100.1, 200), (10, 101, 300, 101.1, 60), (20, 101, 300, 101.2, 500)])
    at = table(quotes=quotes)
    at.at(seconds(5))
    made = at.place("buy", "stop", qty=100, stop_price="101")
    at.at(seconds(20))
    assert at.fills(made) == [(Decimal(60), Decimal("101.1")), (Decimal(40), Decimal("101.2"))]


def test_orders_at_once_look_at_the_quotes_of_their_arrival() -> None:
    at = table(quotes=quote_columns([(1, 99.9, 300, 100.1, 200), (10, 99.9, 300, 100.1, 900)]))
    at.at(seconds(5))
    assert at.kinds(at.place("buy", qty=300, tif="fok")) == ["new", "canceled"]
    some = at.place("buy", qty=300, tif="ioc")
    assert at.kinds(some) == ["new", "partial_fill", "canceled"]
    assert at.fills(some) == [(Decimal(200), Decimal("100.1"))]


def test_a_limit_at_once_that_the_last_trade_is_worse_than_ends_at_its_arrival() -> None:
    at = table(trades=trade_columns([(1, 100, 1000), (10, 98, 1000)]))
    at.at(seconds(5))
    assert at.kinds(at.place("buy", "limit", qty=10, limit_price=99, tif="ioc")) == ["new", "canceled"]


def test_orders_at_once_meet_the_next_valid_trade() -> None:
    at = table(trades=trade_columns([(1, 100, 1000), (10, 99, 1000, "T"), (11, 100.5, 1000)]))
    at.at(seconds(5))
    some = at.place("buy", qty=150, tif="ioc")
    all_of_it = at.place("buy", "limit", qty=150, limit_price=101, tif="fok")
    at.at(seconds(20))
    assert at.fills(some) == [(Decimal(100), Decimal("100.5"))]
    assert at.kinds(some) == ["new", "partial_fill", "canceled"]
    assert at.kinds(all_of_it) == ["new", "canceled"]


def test_an_order_from_the_night_meets_a_trade_of_the_opens_own_stamp() -> None:
    at = table(trades=trade_columns([(0, 100, 1000), (10, 101, 1000)]))
    at.at(390)
    made = at.place("buy", qty=50)
    at.begin_next_day()
    at.at(seconds(1))
    assert at.fills(made) == [(Decimal(50), Decimal(100))]


def test_an_elected_stop_looks_after_orders_that_came_before_its_election() -> None:
    at = table(trades=trade_columns([(1, 100, 1000), (10, 99, 1000), (20, 98, 1000), (30, 97, 1000)]))
    at.at(seconds(2))
    stop = at.place("sell", "stop", qty=100, stop_price="98.5")
    at.at(seconds(15))
    waiting = at.place("sell", qty=150)
    at.at(seconds(30))
    # 100 of each print: of the one at 20 s for the market order, of the one at 30 s first for what is left of it.
    assert at.fills(waiting) == [(Decimal(100), Decimal(98)), (Decimal(50), Decimal(97))]
    assert at.fills(stop) == [(Decimal(50), Decimal(97))]


@pytest.mark.parametrize("quoted", [False, True])
def test_a_trailing_stop_follows_valid_trades_and_is_not_rounded(*, quoted: bool) -> None:
    trades = trade_columns(
        [(1, 10, 500), (5, 11, 500, "T"), (6, 10.5, 500), (9, 10.4, 500), (12, 9.9, 500), (13, 9.8, 500)]
    )
    quotes = quote_columns([(1, 9.5, 100, 9.6, 100)]) if quoted else None
    at = table(trades=trades, quotes=quotes)
    at.at(seconds(2))
    made = at.place("sell", "trailing_stop", qty=10, trail_percent=5)
    at.at(seconds(7))
    at.book.follow()
    assert made.hwm == Decimal("10.5")
    at.at(seconds(13))
    # Its stop is 9.975: the trade at 12 s elects it.
    assert at.fills(made) == [(Decimal(10), Decimal("9.5") if quoted else Decimal("9.8"))]


def test_a_trailing_stop_without_a_mark_begins_with_the_next_quote_and_not_with_a_later_one() -> None:
    quotes = quote_columns([(10, 100, 100, 100.1, 100), (20, 99.5, 100, 99.6, 100), (30, 105, 100, 105.1, 100)])
    at = table(quotes=quotes)
    at.at(seconds(5))
    made = at.place("sell", "trailing_stop", qty=10, trail_price=1)
    at.at(seconds(20))
    assert (at.fills(made), made.hwm) == ([], Decimal(100))


def test_the_closing_print_may_be_stamped_after_the_close() -> None:
    trades = trade_columns([(5, 100.0, 100), (23_395, 101.0, 100)])
    late = trade_columns([(23_405, 102.0, 700, "M"), (23_410, 103.0, 5000, "6"), (23_420, 104.0, 9000, "T")])
    at = table(trades=trades, late_trades=late)
    made = at.place("buy", qty=600, tif="cls")
    at.at(390)
    assert at.fills(made) == [(Decimal(500), Decimal(103))]
    assert at.kinds(made) == ["accepted", "partial_fill", "expired"]


def test_without_an_official_print_the_auctions_are_the_first_and_last_bar() -> None:
    bars = bar_columns([(10, 11, 9, 10.5, 1000), (20, 21, 19, 20.5, 2000)], minutes=[0, 389])
    at = table(bars, quotes=quote_columns([(1, 9, 100, 10, 100)]))
    closing = at.place("sell", qty=300, tif="cls")
    opening = at.place("buy", qty=300, tif="opg")
    at.at(390)
    assert at.fills(opening) == [(Decimal(100), Decimal(10))]
    assert at.fills(closing) == [(Decimal(200), Decimal("20.5"))]


def test_an_opening_print_is_one_pool_for_auction_and_market_orders() -> None:
    at = table(trades=trade_columns([(2, 100, 1000, "O"), (3, 101, 1000)]))
    opening, market = at.place("buy", qty=60, tif="opg"), at.place("buy", qty=100)
    at.at(1)
    assert at.fills(opening) == [(Decimal(60), Decimal(100))]
    assert at.fills(market) == [(Decimal(40), Decimal(100)), (Decimal(60), Decimal(101))]


def test_nothing_is_filled_in_a_halted_minute() -> None:
    quotes = quote_columns([(1, 9.9, 500, 10, 500), (130, 9.9, 500, 10.2, 500)])
    at = table(quotes=quotes, ledger="THT" + "T" * 387)
    at.at(1)
    made = at.place("buy", qty=100)
    assert at.kinds(at.place("buy", qty=10, tif="ioc")) == ["new", "canceled"]
    assert at.fills(made) == []
    at.at(3)
    assert at.fills(made) == [(Decimal(100), Decimal("10.2"))]
    assert at.notes(made) == ["waits: AAPL has no trading at 13:31 UTC, halted"]


def test_marks_are_the_last_valid_trade_else_the_mid_else_the_last_close() -> None:
    bars = bar_columns([(10, 10, 10, 10.5)])
    at = table(bars, trade_columns([(120, 11, 100), (130, 12, 100, "T")]), quote_columns([(90, 10, 1, 11, 1)]))
    market = at.book.market("AAPL")
    assert market is not None
    open_ns = at.book.now
    marks = [market.mark(open_ns + each * 1_000_000_000) for each in (10, 60, 90, 120, 5000)]
    assert marks == [None, Decimal("10.5"), Decimal("10.5"), Decimal(11), Decimal(11)]
    assert market.mark(open_ns + 90_000_000_000) == Decimal("10.5")


@pytest.mark.parametrize(
    ("word", "expected"),
    [("40", "O"), ("80", "6"), ("2000", "T"), ("80000000", "I"), ("8", "R"), ("2", "C"), ("1000000", "M"), ("01", "")],
)
def test_masks_are_letters(word: str, expected: str) -> None:
    assert "".join(sorted(letters(word))) == expected
