"""What elects a stop and moves a trailing one, by hand: cases that a second reading of the rules brought to light."""

from __future__ import annotations

from decimal import Decimal

from tests.broker.books import quote_columns, table, trade_columns


def test_the_first_trade_of_a_day_elects_no_stop_that_it_does_not_reach() -> None:
    at = table(trades=trade_columns([(60, 100.5, 1000), (120, 100.4, 1000), (180, 99.8, 1000), (240, 99.7, 1000)]))
    made = at.place("sell", "stop", stop_price="100")
    at.at(2.5)
    assert at.kinds(made) == ["new"]
    at.at(5)
    assert at.fills(made) == [(Decimal(100), Decimal("99.7"))]


def test_what_is_left_of_an_elected_buy_stop_is_not_filled_at_its_collar_by_a_print() -> None:
    quotes = quote_columns([(0, 99, 500, 99.1, 500), (30, 100, 500, 100.05, 40), (90, 100, 500, 100.1, 500)])
    at = table(trades=trade_columns([(40, 100, 100), (50, 100.04, 5000)]), quotes=quotes)
    made = at.place("buy", "stop", stop_price="100")
    at.at(2)
    assert at.fills(made) == [(Decimal(40), Decimal("100.05")), (Decimal(60), Decimal("100.1"))]


def test_a_stale_bid_elects_nothing() -> None:
    quotes = quote_columns([(0, 99, 500, 99.1, 500), (100, None, None, 99.2, 500), (110, 98.9, 500, 99.2, 500)])
    at = table(quotes=quotes)
    at.at(1.5)
    made = at.place("sell", "stop", stop_price="99.5")
    at.at(1.75)
    assert at.kinds(made) == ["new"]
    at.at(2)
    assert at.fills(made) == [(Decimal(100), Decimal("98.9"))]


def test_a_trailing_mark_keeps_what_it_saw_over_the_night() -> None:
    at = table(trades=trade_columns([(60, 100, 1000), (120, 102, 1000)]))
    at.at(1.5)
    made = at.place("sell", "trailing_stop", trail_price="1.5", tif="gtc")
    at.at(390)
    assert made.hwm == 102


def test_without_trades_a_share_is_worth_the_newest_mid_that_there_was() -> None:
    at = table(quotes=quote_columns([(0, 99, 500, 99.1, 500), (30, 0, 0, 99.4, 500), (60, 98, 500, 98.2, 500)]))
    market = at.book.market("AAPL")
    assert market is not None
    assert market.mark(at.book.now + 45 * 10**9) == Decimal("99.05")
    assert market.mark(at.book.now + 60 * 10**9) == Decimal("98.1")
