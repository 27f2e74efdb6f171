"""Exactly once: what a stream hands out, and what it asks for after a lost connection. Without a server."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tapedeck_client import AccountEvent, End, Frame, OtherNotice, Reset, Snapshot
from tapedeck_client.streams.place import Item, Place
from tapedeck_client.streams.stream_request import stream_request
from tests.clients.wire import BAR, account_event, frame, notice, snapshot


def place(**options: Any) -> Place:
    return Place(stream_request(1, **options))


def take(at: Place, *messages: dict[str, Any]) -> list[Item]:
    return [item for message in messages for item in at.take(message)]


def ids(items: list[Item]) -> list[str]:
    return [str(item.id) for item in items if isinstance(item, Frame)]


def test_a_frame_that_comes_again_is_handed_out_once() -> None:
    at = place(from_start=True)
    items = take(
        at, frame("1.10-0"), frame("1.20-0"), frame("1.20-0"), frame("1.10-0"), frame("1.20-1"), frame("1.100-0")
    )
    assert ids(items) == ["1.10-0", "1.20-0", "1.20-1", "1.100-0"]


def test_a_new_connection_asks_for_what_follows_the_last_frame() -> None:
    at = place(from_start=True)
    assert at.query() == {"from_start": "true"}
    take(at, frame("1.10-0"))
    assert at.query() == {"after": "1.10-0"}


def test_a_snapshot_in_parts_is_one_and_one_cut_off_comes_again() -> None:
    at = place()
    assert take(at, snapshot("1.10-0", 1, 2, BAR)) == []
    assert at.query() == {}
    items = take(at, snapshot("1.20-0", 1, 2, BAR, BAR), snapshot("1.20-0", 2, 2, BAR))
    assert [len(item.bars) for item in items if isinstance(item, Snapshot)] == [3]
    assert at.query() == {"after": "1.20-0"}


def test_after_a_snapshot_before_the_first_frame_the_run_comes_from_its_start() -> None:
    at = place()
    take(at, snapshot(None))
    assert at.query() == {"from_start": "true"}


def test_a_reset_begins_anew_and_forgets_the_cursor() -> None:
    at = place(from_start=True)
    items = take(at, frame("1.30-0"), notice(type="reset", reason="moved to generation 2"))
    assert items[-1] == Reset("moved to generation 2") and at.query() == {}
    assert ids(take(at, snapshot("2.10-0"), frame("2.10-0"), frame("2.20-0"))) == ["2.20-0"]


def test_the_end_is_the_end() -> None:
    at = place()
    items = take(at, notice(type="end", state="completed", reason="", clock=None))
    assert items == [End("completed", "", None)] and at.ended


def test_what_a_newer_server_says_is_passed_on() -> None:
    (item,) = take(place(), notice(type="halted", symbol="AAPL"))
    assert item == OtherNotice("halted", {"type": "halted", "symbol": "AAPL"})
    (event,) = take(place(), frame("1.1-0", {"type": "auction", "symbol": "AAPL"}))[0].events  # type: ignore[union-attr]
    assert event.type == "auction"


def test_a_selection_becomes_a_query() -> None:
    at = place(
        symbols="AAPL", intervals=["1m", "5m"], types=["bars", "trades"], lockstep="bot", window=3, after="1.2-0"
    )
    assert at.query() == {
        "symbols": "AAPL",
        "intervals": "1m,5m",
        "types": "bars,ticks",
        "lockstep": "bot",
        "window": "3",
        "after": "1.2-0",
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"after": "yesterday"}, "'yesterday' is no frame's id"),
        ({"after": "1.2-0", "from_start": True}, "exclude each other"),
        ({"transport": "carrier pigeon"}, "'sse' or 'websocket'"),
    ],
)
def test_options_that_cannot_be_right_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        place(**options)


def test_account_events_have_places_behind_the_frame_of_their_instant() -> None:
    at = place(from_start=True, accounts=["swing"])
    assert at.query() == {"accounts": "swing", "from_start": "true"}
    items = take(at, frame("1.10-0"), account_event("1.10-1"), account_event("1.10-1"), frame("1.20-0", BAR))
    assert [type(item) for item in items] == [Frame, AccountEvent, Frame]
    assert (items[1].event, items[1].execution.price) == ("fill", Decimal("100.5"))  # type: ignore[union-attr]
    take(at, account_event("1.20-1"))
    assert at.query() == {"accounts": "swing", "after": "1.20-1"}
