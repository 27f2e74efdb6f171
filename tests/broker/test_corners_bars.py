"""Corners of bars, each worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from broker.matching.acts import Cancel, Replace
from broker.matching.terms import OrderType
from tests.broker.books import MINUTE_NS, OPEN_NS, bar_columns, order, table
from tests.broker.test_bar_fills import bracket


def test_a_resting_limit_that_a_later_open_jumps_over_gets_the_open() -> None:
    at = table(bar_columns([(100, 100, 100, 100), (100, 100, 99.5, 100), (98, 98.5, 97.5, 98)]))
    at.at(1)
    made = at.place("buy", "limit", limit_price="99")
    at.at(3)
    assert at.fills(made) == [(Decimal(100), Decimal(98))]
    assert at.bases(made) == ["bar_open"]


def test_a_resting_limit_that_the_first_open_of_a_day_jumps_over_gets_the_open() -> None:
    at = table(bar_columns([(98, 99, 97, 98), (98, 98, 98, 98)]))
    at.at(1)
    made = at.place("buy", "limit", limit_price="97.5", tif="gtc")
    at.at(2)
    assert at.fills(made) == []
    made.limit_price = Decimal("98.5")
    at.begin_next_day()
    at.at(1)
    assert at.fills(made) == [(Decimal(100), Decimal(98))]
    assert at.bases(made) == ["bar_open"]


def test_what_is_left_of_a_limit_that_was_marketable_gets_the_next_open_that_is_through_it() -> None:
    at = table(bar_columns([(100, 100, 100, 100), (99, 99, 98, 98, 300), (97, 97, 96, 96)]))
    at.at(1)
    made = at.place("buy", "limit", limit_price="99.5")
    at.at(3)
    assert at.fills(made) == [(Decimal(30), Decimal(99)), (Decimal(70), Decimal(97))]


def test_what_is_left_of_an_elected_stop_is_a_market_order_at_the_next_open() -> None:
    at = table(bar_columns([(100, 100, 100, 100), (100, 102, 100, 102, 300), (101.7, 102, 100, 101)]))
    at.at(1)
    made = at.place("buy", "stop", stop_price="101")
    at.at(3)
    assert at.fills(made) == [(Decimal(30), Decimal(101)), (Decimal(70), Decimal("101.7"))]


def test_an_open_equal_to_the_stop_is_the_open_without_slippage() -> None:
    at = table(bar_columns([(100, 100, 100, 100), (99, 99, 98, 98)]), slippage=5)
    at.at(1)
    made = at.place("sell", "stop", stop_price="99")
    at.at(2)
    assert at.fills(made) == [(Decimal(100), Decimal(99))]
    assert at.bases(made) == ["bar_open"]


def test_slippage_of_a_stop_limit_is_no_worse_than_its_limit() -> None:
    at = table(bar_columns([(100, 100, 100, 100), (100, 102, 100, 102)]), slippage=50)
    at.at(1)
    made = at.place("buy", "stop_limit", stop_price="101", limit_price="101.2")
    at.at(2)
    assert at.fills(made) == [(Decimal(100), Decimal("101.2"))]


def test_ticks_below_a_dollar_are_hundredths_of_a_cent() -> None:
    at = table(bar_columns([(0.6, 0.6, 0.6, 0.6), (0.6, 0.6, 0.5, 0.55)]), slippage=2)
    at.at(1)
    stop = at.place("sell", "stop", stop_price="0.55")
    limit = at.place("buy", "limit", limit_price="0.5")
    reached = at.place("buy", "limit", limit_price="0.5001")
    at.at(2)
    assert at.fills(stop) == [(Decimal(100), Decimal("0.5498"))]
    assert at.fills(limit) == []
    assert at.fills(reached) == [(Decimal(100), Decimal("0.5001"))]


def test_a_trailing_stop_by_percent_is_not_rounded() -> None:
    at = table(bar_columns([(13.96, 13.97, 13.96, 13.965), (13.9, 13.9, 12.5, 12.6)]))
    at.at(1)
    made = at.place("sell", "trailing_stop", trail_percent="10")
    assert made.hwm == Decimal("13.965")
    at.at(2)
    assert at.fills(made) == [(Decimal(100), Decimal("12.5685"))]


def test_a_trailing_stop_before_the_first_bar_begins_at_its_open() -> None:
    at = table(bar_columns([(50, 51, 49.5, 50), (50, 50, 50, 50)]))
    made = at.place("sell", "trailing_stop", trail_price="1")
    at.at(1)
    assert at.fills(made) == []
    assert made.hwm == Decimal(51)
    at.at(2)
    assert at.fills(made) == [(Decimal(100), Decimal(50))]


def test_with_last_close_what_is_left_gets_each_following_close() -> None:
    at = table(bar_columns([(10, 10, 10, 10, 300), (11, 11, 11, 11, 400), (12, 12, 12, 12)]), on_bars="last_close")
    at.at(1)
    made = at.place("buy")
    assert at.fills(made) == [(Decimal(30), Decimal(10))]
    at.at(3)
    assert at.fills(made) == [(Decimal(30), Decimal(10)), (Decimal(40), Decimal(11)), (Decimal(30), Decimal(12))]


def test_with_last_close_a_minute_without_a_bar_is_waited_for() -> None:
    at = table(bar_columns([(10, 10, 10, 10), (12, 12, 12, 12.5)], minutes=[0, 2]), on_bars="last_close")
    at.at(2)
    made = at.place("buy")
    assert at.fills(made) == []
    at.at(3)
    assert at.fills(made) == [(Decimal(100), Decimal("12.5"))]


def test_orders_at_once_meet_the_next_open_also_with_last_close() -> None:
    at = table(bar_columns([(10, 10, 10, 10, 500), (11, 11, 11, 12, 500)]), on_bars="last_close")
    at.at(1)
    some, all_of_it = at.place("buy", tif="ioc"), at.place("buy", tif="fok")
    assert at.fills(some) == []
    at.at(2)
    assert at.fills(some) == [(Decimal(50), Decimal(11))]
    assert at.kinds(some) == ["new", "partial_fill", "canceled"]
    assert at.kinds(all_of_it) == ["new", "canceled"]


def test_an_exit_looks_after_all_who_were_there_before_its_entry_was_filled() -> None:
    at = table(bar_columns([(100, 100, 100, 100), (100, 103, 99, 102, 1500), (102, 102, 102, 102)]))
    at.at(1)
    entry, profit, stop = bracket(102, 90)
    at.group(entry, profit, stop)
    other = order(200, "sell", "limit", qty=50, limit_price=102)
    at.group(other)
    at.at(2)
    # 150 shares of the bar: 100 for the entry at its open, then the order that was there before the exits.
    assert at.fills(entry) == [(Decimal(100), Decimal(100))]
    assert at.fills(other) == [(Decimal(50), Decimal(102))]
    assert at.fills(profit) == []


def test_a_day_group_expires_entirely_and_says_which_shares_are_bare() -> None:
    at = table(bar_columns([(100, 100, 100, 100, 300)]))
    entry, profit, stop = bracket(102, 98)
    at.group(entry, profit, stop)
    at.at(390)
    assert at.kinds(entry) == ["new", "partial_fill", "expired"]
    assert at.kinds(profit) == at.kinds(stop) == ["expired"]
    assert at.notes(stop) == ["30 shares of its entry are without an exit"]


def test_a_replacement_is_for_what_was_left_and_its_exits_protect_both() -> None:
    at = table(bar_columns([(100, 100, 100, 100), (100, 100, 100, 100, 300), (100, 100, 100, 100)]))
    at.at(1)
    entry, profit, stop = bracket(102, 98, kind="limit", limit_price=100)
    at.group(entry, profit, stop)
    at.at(2)
    new = order(104, "buy", "limit", qty=None, limit_price=101, role="entry", group_id="group", order_class="bracket")
    Replace(entry.id, new.as_payload()).apply(at.book, at.book.now)
    at.at(3)
    assert at.kinds(entry) == ["new", "partial_fill", "replaced"]
    assert at.fills(new) == [(Decimal(70), Decimal(100))]
    assert profit.qty == stop.qty == Decimal(100)


def test_an_order_that_was_filled_first_rejects_its_replacement() -> None:
    at = table(bar_columns([(100, 100, 100, 100)] * 2))
    made = at.place("buy")
    at.at(1)
    new = order(9, "buy", qty=50)
    Replace(made.id, new.as_payload()).apply(at.book, at.book.now)
    at.at(1)
    assert at.kinds(made) == ["new", "fill"]
    assert at.kinds(new) == ["rejected"]


def test_a_request_with_latency_acts_at_its_arrival_after_what_is_known_by_then() -> None:
    at = table(bar_columns([(100, 100, 100, 100), (100, 100, 99, 100), (100, 100, 98, 100)]))
    made = at.place("buy", "limit", limit_price="99.5")
    late = at.place("buy", "limit", limit_price="98.5")
    at.at(1)
    for number, each in enumerate((made, late), 1):
        at.book.act(Cancel((each.id,)), OPEN_NS + 2 * MINUTE_NS, number)
    at.at(3)
    assert at.fills(made) == [(Decimal(100), Decimal("99.5"))]
    assert at.kinds(late) == ["new", "canceled"]


def test_a_halted_or_missing_minute_fills_nothing_and_the_order_says_so_once() -> None:
    bars = bar_columns([(100, 100, 100, 100), (90, 90, 90, 90), (101, 101, 101, 101)], minutes=[0, 2, 4])
    at = table(bars, ledger="TMHATT" + "T" * 384)
    at.at(1)
    made = at.place("buy")
    at.at(2)
    assert at.kinds(made) == ["new", "restated"]
    at.at(5)
    assert at.fills(made) == [(Decimal(100), Decimal(101))]
    assert at.notes(made) == ["waits: AAPL has no trading at 13:31 UTC, missing: asked for again without an answer"]
    assert at.kinds(made) == ["new", "restated", "fill"]


def test_orders_for_the_auctions_are_taken_in_the_night_for_the_next_session() -> None:
    at = table(bar_columns([(100, 100, 100, 100.5)]))
    at.at(390)
    opening, closing, day = (at.place("buy", tif=tif) for tif in ("opg", "cls", "day"))
    assert at.kinds(opening) == at.kinds(closing) == at.kinds(day) == ["accepted"]
    at.begin_next_day()
    at.at(390)
    assert at.fills(opening) == at.fills(day) == [(Decimal(100), Decimal(100))]
    assert at.fills(closing) == [(Decimal(100), Decimal("100.5"))]


def test_with_the_profile_paper_a_tenth_of_the_fills_is_partial_and_fill_or_kill_never_is() -> None:
    bars = bar_columns([(10, 10, 10, 10, 1)] * 300)
    at = table(bars, profile="paper", seed=7, cash=100_000_000)
    partial = 0
    for minute in range(200):
        at.at(minute)
        made, all_of_it = at.place("buy", qty=1000, tif="ioc"), at.place("buy", qty=1000, tif="fok")
        at.at(minute + 1)
        assert at.fills(all_of_it) == [(Decimal(1000), Decimal(10))]
        partial += at.fills(made) != [(Decimal(1000), Decimal(10))]
    assert 8 <= partial <= 35


def test_of_two_exits_inside_one_bar_a_stop_limit_that_the_open_has_elected_is_what_happens() -> None:
    """It is elected at the open, beyond its limit, and the price comes back: as it passes the profit, too."""
    at = table(bar_columns([(100, 100, 100, 100), (100, 100, 100, 100), (93, 106, 92, 100)]))
    at.at(1)
    entry, profit, stop = bracket(105, 95)
    stop.type, stop.limit_price = OrderType.STOP_LIMIT, Decimal("94.5")
    at.group(entry, profit, stop)
    at.at(3)
    assert (at.fills(stop), at.bases(stop)) == ([(100, Decimal("94.5"))], ["bar_range"])
    assert at.kinds(profit)[-1] == "canceled"


def test_a_stop_limit_that_rests_at_its_limit_goes_before_the_profit_of_its_bar() -> None:
    at = table(bar_columns([(100, 100, 100, 100), (100, 100, 100, 100), (93, 94, 92, 93), (93, 106, 92, 100)]))
    at.at(1)
    entry, profit, stop = bracket(105, 95)
    stop.type, stop.limit_price = OrderType.STOP_LIMIT, Decimal("94.5")
    at.group(entry, profit, stop)
    at.at(4)
    assert (at.fills(stop), at.fills(profit)) == ([(100, Decimal("94.5"))], [])


@pytest.mark.parametrize(("kind", "given"), [("limit", {"limit_price": "110"}), ("stop", {"stop_price": "101"})])
def test_what_a_partial_fill_at_an_open_leaves_waits_for_the_next_open(kind: str, given: dict[str, str]) -> None:
    """Profile `paper` leaves something now and then: it never gets its limit where the bar does not go."""
    partial = 0
    for seed in range(60):
        at = table(bar_columns([(100, 100, 100, 100), *[(101, 102, 100, 101)] * 5]), profile="paper", seed=seed)
        at.at(1)
        made = at.place("buy", kind, qty=100, **given)
        at.at(6)
        assert {price for _, price in at.fills(made)} == {Decimal(101)}
        partial += len(at.fills(made)) > 1
    assert partial
