"""Average entries: weighted within a day, first in first out over nights."""

from decimal import Decimal

from broker.matching.lots import Position


def test_the_average_of_a_day_is_weighted_and_a_sale_does_not_change_it() -> None:
    position = Position()
    position.trade(Decimal(3), Decimal(10))
    position.trade(Decimal(5), Decimal(12))
    position.trade(Decimal(-2), Decimal(20))
    assert position.average_entry == Decimal("11.25")


def test_at_the_close_todays_lot_gets_the_average_of_all_of_its_entries() -> None:
    position = Position()
    for qty, price in ((100, 10), (50, 9), (-50, 12), (50, 11)):
        position.trade(Decimal(qty), Decimal(price))
    position.close_day()
    assert position.average_entry == Decimal(10)
    assert position.qty == 150


def test_sales_take_the_oldest_days_first() -> None:
    position = Position()
    position.trade(Decimal(100), Decimal(10))
    position.close_day()
    position.trade(Decimal(100), Decimal(20))
    position.close_day()
    position.trade(Decimal(50), Decimal(30))
    position.trade(Decimal(-150), Decimal(40))
    assert position.earlier == [(Decimal(50), Decimal(20))]
    assert position.average_entry == Decimal(25)


def test_a_position_that_was_closed_begins_anew() -> None:
    position = Position()
    position.trade(Decimal(-10), Decimal(10))
    position.trade(Decimal(10), Decimal(8))
    position.trade(Decimal(-10), Decimal(20))
    assert position.average_entry == Decimal(20)
    assert Position.of(position.as_payload()) == position


def test_a_sale_of_more_than_is_held_begins_a_short_position_at_its_price() -> None:
    position = Position()
    position.trade(Decimal(50), Decimal(99))
    position.close_day()
    position.trade(Decimal(-80), Decimal(101))
    assert (position.qty, position.average_entry) == (Decimal(-30), Decimal(101))
    position.close_day()
    assert (position.qty, position.average_entry) == (Decimal(-30), Decimal(101))
