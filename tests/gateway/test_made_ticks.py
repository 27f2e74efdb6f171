"""A latest trade and quote where there are bars alone."""

from __future__ import annotations

from gateway.data.made_ticks import newer, of_close

BAR = {"t": "2025-07-02T13:35:00Z", "c": 207.5}


def test_the_latest_is_made_from_the_last_bar_at_its_end_and_marked() -> None:
    trade, quote = newer("trades", None, BAR), newer("quotes", None, BAR)
    assert trade is not None and quote is not None
    assert (trade["t"], trade["p"], trade["c"]) == ("2025-07-02T13:36:00Z", 207.5, ["synthetic"])
    assert (quote["bp"], quote["ap"], quote["c"]) == (207.49, 207.51, ["synthetic"])


def test_what_was_recorded_on_that_day_is_the_latest_and_of_an_earlier_day_is_not() -> None:
    recorded = {"t": "2025-07-02T13:30:01Z", "p": 1.0}
    assert newer("trades", recorded, BAR) is recorded
    assert newer("trades", recorded | {"t": "2025-07-01T19:59:59Z"}, BAR) != recorded
    assert newer("trades", None, None) is None


def test_a_tick_is_a_hundredth_of_a_cent_below_a_dollar() -> None:
    assert (of_close("quotes", 0.5)["bp"], of_close("quotes", 0.5)["ap"]) == (0.4999, 0.5001)


def test_a_made_quote_is_of_whole_ticks_so_that_an_order_at_it_is_taken() -> None:
    made = of_close("quotes", 107.1487)
    assert (made["bp"], made["ap"]) == (107.13, 107.16)
