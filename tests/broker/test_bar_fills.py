"""Orders against bars alone."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.broker.books import bar_columns, order, table

BARS = bar_columns(
    [
        (100.0, 100.5, 99.5, 100.2),
        (100.3, 101.0, 99.0, 100.8),
        (102.0, 102.5, 101.5, 102.1),
        (102.0, 102.2, 98.0, 98.5),
    ]
)


def test_a_market_order_gets_the_next_bars_open_and_never_the_bar_just_seen() -> None:
    at = table(BARS)
    at.at(1)
    made = at.place("buy")
    assert at.kinds(made) == ["new"]
    at.at(2)
    assert at.fills(made) == [(Decimal(100), Decimal("100.3"))]
    assert at.bases(made) == ["bar_open"]


def test_with_last_close_a_market_order_gets_the_close_of_the_bar_that_has_just_ended() -> None:
    at = table(BARS, on_bars="last_close", slippage=2)
    at.at(1)
    made = at.place("buy")
    assert at.fills(made) == [(Decimal(100), Decimal("100.22"))]


@pytest.mark.parametrize(
    ("limit", "fill"),
    [("99.00", None), ("99.01", "99.01"), ("100.29", "100.29"), ("100.30", "100.3"), ("101.00", "100.3")],
)
def test_a_buy_limit_needs_penetration_and_gets_the_open_where_that_is_better(limit: str, fill: str | None) -> None:
    at = table(BARS)
    at.at(1)
    made = at.place("buy", "limit", limit_price=limit)
    at.at(2)
    assert at.fills(made) == ([(Decimal(100), Decimal(fill))] if fill else [])


def test_a_stop_that_the_open_jumps_over_gets_the_open() -> None:
    at = table(BARS)
    at.at(2)
    made = at.place("buy", "stop", stop_price="101.5")
    at.at(3)
    assert at.fills(made) == [(Decimal(100), Decimal("102"))]


def test_a_stop_in_the_range_gets_its_price_and_slippage() -> None:
    at = table(BARS, slippage=3)
    at.at(3)
    made = at.place("sell", "stop", stop_price="99")
    at.at(4)
    assert at.fills(made) == [(Decimal(100), Decimal("98.97"))]


def test_a_gap_beyond_the_limit_elects_and_fills_in_that_bar_only_where_the_price_comes_back() -> None:
    at = table(BARS)
    at.at(2)
    back = at.place("buy", "stop_limit", stop_price="101.2", limit_price="101.6")
    far = at.place("buy", "stop_limit", stop_price="101.2", limit_price="101.3")
    at.at(3)
    assert at.fills(back) == [(Decimal(100), Decimal("101.6"))]
    assert at.fills(far) == []
    at.at(4)
    assert at.fills(far) == [(Decimal(100), Decimal("101.3"))]


def test_a_limit_behind_its_stop_rests_from_the_next_bar_on() -> None:
    bars = bar_columns([(100, 100, 100, 100), (100, 102, 99, 101), (101, 101, 100, 100)])
    at = table(bars)
    at.at(1)
    made = at.place("buy", "stop_limit", stop_price="101", limit_price="100.5")
    at.at(2)
    assert at.fills(made) == []
    at.at(3)
    assert at.fills(made) == [(Decimal(100), Decimal("100.5"))]


def test_the_collar_of_a_buy_stop_holds_against_a_gap() -> None:
    bars = bar_columns([(10, 10, 10, 10), (12, 12, 11.5, 12), (11, 11, 10.3, 10.4)])
    at = table(bars)
    at.at(1)
    made = at.place("buy", "stop", stop_price="10.01")
    at.at(2)
    assert at.fills(made) == []
    at.at(3)
    assert at.fills(made) == [(Decimal(100), Decimal("10.41"))]


def test_a_trailing_stop_meets_its_old_stop_before_the_high_raises_the_mark() -> None:
    bars = bar_columns([(100, 100, 100, 100), (100, 105, 98.5, 104), (104, 104, 102.5, 103)])
    at = table(bars)
    at.at(1)
    made = at.place("sell", "trailing_stop", trail_price="2", hwm="100")
    at.at(2)
    assert at.fills(made) == []
    assert made.hwm == Decimal(105)
    at.at(3)
    assert at.fills(made) == [(Decimal(100), Decimal(103))]


def test_a_bar_is_one_share_of_its_volume_for_all_orders_and_nothing_is_carried_over() -> None:
    bars = bar_columns([(10, 10, 10, 10, 999), (10, 10, 10, 10, 1009), (10, 10, 10, 10, 5000)])
    at = table(bars)
    first, second = at.place("buy", qty=80), at.place("sell", qty=80)
    at.at(1)
    assert at.fills(first) == [(Decimal(80), Decimal(10))]
    assert at.fills(second) == [(Decimal(19), Decimal(10))]
    at.at(2)
    assert at.fills(second) == [(Decimal(19), Decimal(10)), (Decimal(61), Decimal(10))]
    assert at.kinds(second) == ["new", "partial_fill", "fill"]


def test_an_unknown_volume_has_room_for_any_quantity() -> None:
    at = table(bar_columns([(10, 10, 10, 10, float("nan"))]))
    made = at.place("buy", qty=1_000_000)
    at.at(1)
    assert at.fills(made) == [(Decimal(1_000_000), Decimal(10))]


def test_an_order_at_once_meets_the_next_open_only() -> None:
    at = table(bar_columns([(10, 10, 9, 10, 500)] * 3))
    some = at.place("buy", qty=80, tif="ioc")
    whole = at.place("buy", qty=80, tif="fok")
    low = at.place("buy", "limit", limit_price="9.5", tif="ioc")
    at.at(1)
    assert at.fills(some) == [(Decimal(50), Decimal(10))]
    assert at.kinds(some) == ["new", "partial_fill", "canceled"]
    assert at.kinds(whole) == at.kinds(low) == ["new", "canceled"]


def test_auctions_are_the_first_open_and_the_last_close() -> None:
    at = table(BARS)
    opening, closing = at.place("buy", tif="opg"), at.place("sell", tif="cls")
    low = at.place("buy", "limit", limit_price="90", tif="cls")
    assert at.kinds(closing) == ["accepted"]
    at.at(1)
    assert at.fills(opening) == [(Decimal(100), Decimal(100))]
    at.at(389)
    assert at.fills(closing) == []
    at.at(390)
    assert at.fills(closing) == [(Decimal(100), Decimal("98.5"))]
    assert at.kinds(low) == ["accepted", "expired"]


def test_day_orders_expire_at_the_close_and_others_go_over_the_night() -> None:
    at = table(BARS)
    day = at.place("buy", "limit", limit_price="50")
    gtc = at.place("buy", "limit", limit_price="50", tif="gtc")
    at.at(390)
    assert at.kinds(day) == ["new", "expired"]
    assert at.kinds(gtc) == ["new"]


def test_of_two_exits_inside_one_bar_the_stop_is_what_happens() -> None:
    bars = bar_columns([(100, 100, 100, 100), (100, 103, 97, 100)])
    at = table(bars)
    at.at(1)
    entry, profit, stop = bracket(102, 98)
    at.group(entry, profit, stop)
    at.at(2)
    assert at.fills(entry) == [(Decimal(100), Decimal(100))]
    assert at.fills(stop) == [(Decimal(100), Decimal(98))]
    assert at.kinds(profit) == ["new", "canceled"]


def test_an_entry_that_is_filled_inside_its_bar_has_its_exits_from_the_next_one_on() -> None:
    bars = bar_columns([(100, 100, 100, 100), (100, 103, 97, 100), (100, 103, 99.5, 100)])
    at = table(bars)
    at.at(1)
    entry, profit, stop = bracket(102, 90, kind="limit", limit_price=99)
    at.group(entry, profit, stop)
    at.at(2)
    assert at.fills(entry) == [(Decimal(100), Decimal(99))]
    assert at.kinds(profit) == ["new"]
    at.at(3)
    assert at.fills(profit) == [(Decimal(100), Decimal(102))]
    assert at.kinds(stop) == ["new", "canceled"]


def test_a_partial_fill_of_one_exit_leaves_the_rest_protected() -> None:
    bars = bar_columns([(100, 100, 100, 100), (100, 100, 100, 100), (101, 103, 101, 102, 400), (102, 102, 95, 96)])
    at = table(bars)
    at.at(1)
    entry, profit, stop = bracket(102, 98)
    at.group(entry, profit, stop)
    at.at(3)
    assert at.fills(profit) == [(Decimal(40), Decimal(102))]
    assert stop.qty == Decimal(60)
    assert at.kinds(stop) == ["new", "restated"]
    at.at(4)
    assert sum((qty for qty, _ in [*at.fills(profit), *at.fills(stop)]), Decimal(0)) == 100


def test_a_canceled_entry_ends_its_exits_and_says_which_shares_are_bare() -> None:
    bars = bar_columns([(100, 100, 100, 100), (100, 100, 100, 100, 300)])
    at = table(bars)
    at.at(1)
    entry, profit, stop = bracket(102, 98)
    at.group(entry, profit, stop)
    at.at(2)
    at.book.cancel(entry.id)
    at.at(2)
    assert at.kinds(profit) == at.kinds(stop) == ["canceled"]
    assert "30 shares" in at.events[-1].note


def bracket(take_profit: float, stop_loss: float, **entry: object) -> tuple:
    group = {"group_id": "group", "order_class": "bracket"}
    held = {"status": "held", "parent_id": "order-101", **group}
    return (
        order(101, "buy", **{"role": "entry", **group, **entry}),
        order(102, "sell", "limit", limit_price=take_profit, role="take_profit", **held),
        order(103, "sell", "stop", stop_price=stop_loss, role="stop_loss", **held),
    )
