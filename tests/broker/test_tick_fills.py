"""Orders against trades, and against quotes."""

from __future__ import annotations

from decimal import Decimal

from tests.broker.books import quote_columns, table, trade_columns

TRADES = trade_columns(
    [(10, 100.0, 1000), (20, 100.1, 1000), (30, 99.9, 1000, "T"), (40, 99.95, 500), (50, 100.2, 300), (60, 100.3, 1000)]
)
QUOTES = quote_columns([(1, 99.9, 300, 100.1, 200), (10, 100.0, 100, 100.2, 500), (20, 100.0, 100, 100.1, 400)])


def seconds(value: float) -> float:
    return value / 60


def test_a_market_order_meets_the_valid_trades_after_its_arrival() -> None:
    at = table(trades=TRADES)
    at.at(seconds(20))
    made = at.place("buy", qty=120)
    at.at(seconds(60))
    assert at.fills(made) == [
        (Decimal(50), Decimal("99.95")),
        (Decimal(30), Decimal("100.2")),
        (Decimal(40), Decimal("100.3")),
    ]


def test_a_resting_limit_needs_a_trade_strictly_through_it() -> None:
    at = table(trades=TRADES)
    at.at(seconds(20))
    touched = at.place("buy", "limit", qty=10, limit_price="99.95")
    passed = at.place("buy", "limit", qty=10, limit_price="99.96")
    at.at(seconds(60))
    assert at.fills(touched) == []
    assert at.fills(passed) == [(Decimal(10), Decimal("99.96"))]


def test_a_limit_that_is_marketable_at_arrival_follows_the_trades_until_one_is_worse() -> None:
    at = table(trades=TRADES)
    at.at(seconds(20))
    made = at.place("buy", "limit", qty=100, limit_price="100.15")
    at.at(seconds(60))
    assert at.fills(made) == [(Decimal(50), Decimal("99.95"))]
    assert made.like_market is False


def test_a_stop_is_elected_by_a_valid_trade_and_filled_by_the_next() -> None:
    at = table(trades=TRADES)
    at.at(seconds(10))
    made = at.place("sell", "stop", qty=10, stop_price="99.96")
    at.at(seconds(60))
    assert at.fills(made) == [(Decimal(10), Decimal("100.2"))]


def test_a_market_order_gets_the_far_side_that_stands_at_its_arrival_at_once() -> None:
    at = table(quotes=QUOTES)
    at.at(seconds(5))
    made = at.place("buy", qty=100)
    assert at.fills(made) == [(Decimal(100), Decimal("100.1"))]
    assert at.bases(made) == ["quote"]


def test_what_is_more_than_displayed_waits_for_the_next_quote_and_each_unit_counts_once() -> None:
    at = table(quotes=QUOTES)
    at.at(seconds(5))
    made = at.place("buy", qty=1000)
    assert at.fills(made) == [(Decimal(200), Decimal("100.1"))]
    at.at(seconds(20))
    # At 20 s there are 400 at 100.1 again, of which 200 were taken before.
    assert at.fills(made) == [
        (Decimal(200), Decimal("100.1")),
        (Decimal(500), Decimal("100.2")),
        (Decimal(200), Decimal("100.1")),
    ]


def test_a_resting_limit_gets_its_limit_when_the_far_side_reaches_it() -> None:
    at = table(quotes=quote_columns([(1, 99.9, 300, 100.1, 200), (10, 99.7, 300, 99.8, 200)]))
    at.at(seconds(5))
    made = at.place("buy", "limit", qty=100, limit_price="99.9")
    at.at(seconds(10))
    assert at.fills(made) == [(Decimal(100), Decimal("99.9"))]


def test_a_quote_that_is_too_old_does_not_count() -> None:
    at = table(quotes=quote_columns([(1, 99.9, 300, 100.1, 200), (100, 99.9, 300, 100.3, 200)]), stale_seconds=60)
    at.at(seconds(62))
    made = at.place("buy", qty=100)
    assert at.fills(made) == []
    at.at(seconds(100))
    assert at.fills(made) == [(Decimal(100), Decimal("100.3"))]


def test_a_crossed_market_fills_nothing_and_a_locked_one_does() -> None:
    at = table(quotes=quote_columns([(1, 100.2, 300, 100.1, 200), (10, 100.1, 300, 100.1, 200)]))
    at.at(seconds(5))
    made = at.place("buy", qty=100)
    assert at.fills(made) == []
    at.at(seconds(10))
    assert at.fills(made) == [(Decimal(100), Decimal("100.1"))]


def test_a_one_sided_quote_changes_its_side_and_a_price_of_0_withdraws_it() -> None:
    quotes = quote_columns([(1, 99.9, 300, 100.1, 200), (10, None, None, 0.0, 0), (20, None, None, 100.4, 50)])
    at = table(quotes=quotes)
    at.at(seconds(15))
    made = at.place("buy", qty=50)
    assert at.fills(made) == []
    at.at(seconds(20))
    assert at.fills(made) == [(Decimal(50), Decimal("100.4"))]


def test_of_several_exchanges_the_best_price_counts_with_all_its_sizes() -> None:
    quotes = quote_columns(
        [(1, 99.9, 300, 100.1, 200, "N"), (2, 99.8, 300, 100.1, 100, "P"), (3, 99.8, 300, 100.2, 50, "N")]
    )
    at = table(quotes=quotes, by_exchange=True)
    at.at(seconds(2.5))
    made = at.place("buy", qty=400)
    assert sum((qty for qty, _ in at.fills(made)), Decimal(0)) == 300


def test_stops_are_elected_by_trades_not_by_quotes_where_the_day_has_trades() -> None:
    trades = trade_columns([(5, 100.0, 100), (30, 99.4, 100)])
    quotes = quote_columns([(1, 99.9, 300, 100.1, 200), (10, 99.0, 300, 99.2, 200), (25, 99.3, 300, 99.5, 200)])
    at = table(trades=trades, quotes=quotes)
    at.at(seconds(6))
    made = at.place("sell", "stop", qty=10, stop_price="99.5")
    at.at(seconds(29))
    assert at.fills(made) == []
    at.at(seconds(30))
    assert at.fills(made) == [(Decimal(10), Decimal("99.3"))]


def test_without_trades_a_sell_stop_is_elected_by_the_bid() -> None:
    at = table(quotes=quote_columns([(1, 99.9, 300, 100.1, 200), (10, 99.0, 300, 99.2, 200)]))
    at.at(seconds(6))
    made = at.place("sell", "stop", qty=10, stop_price="99.5")
    at.at(seconds(10))
    assert at.fills(made) == [(Decimal(10), Decimal("99.0"))]


def test_a_print_through_the_limit_fills_a_share_of_it() -> None:
    trades = trade_columns([(5, 100.0, 100), (10, 99.7, 300)])
    at = table(trades=trades, quotes=quote_columns([(1, 99.8, 300, 100.1, 200)]))
    at.at(seconds(6))
    made = at.place("buy", "limit", qty=100, limit_price="99.8")
    at.at(seconds(10))
    assert at.fills(made) == [(Decimal(30), Decimal("99.8"))]


def test_the_closing_print_is_the_auction_and_is_reported_with_the_last_frame() -> None:
    trades = trade_columns([(5, 100.0, 100), (23_390, 101.0, 100), (23_395, 101.5, 9000, "6")])
    at = table(trades=trades)
    at.at(1)
    made = at.place("buy", qty=100, tif="cls")
    at.at(389.99)
    assert at.fills(made) == []
    at.at(390)
    assert at.fills(made) == [(Decimal(100), Decimal("101.5"))]
    assert at.bases(made) == ["auction"]
