"""What `tail_session` writes: with --flat one event a line, whatever a reader who joins late gets at once."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

from streaming.management.commands.tail_session import flat_lines
from streaming.management.tail_text import text_lines

BAR = {"type": "bar", "symbol": "AAPL", "interval": "1m", "close": 93.2}
NEW_YORK = ZoneInfo("America/New_York")
QUOTE = {"type": "quote", "symbol": "AAPL", "bid": 93.1}


def notice(**event: Any) -> dict[str, Any]:
    return {"id": None, "clock": "2024-11-18T15:00:00Z", "hash": None, "events": [event]}


def test_a_snapshot_is_its_bars_trades_and_quotes_each_on_a_line() -> None:
    bars = [BAR, BAR | {"close": 93.3}]
    snapshot = notice(
        type="snapshot", as_of="1.2-0", clock="2024-11-18T15:00:00Z", bars=bars, trades=[], quotes=[QUOTE]
    )
    lines = [json.loads(line) for line in flat_lines(snapshot).splitlines()]
    assert [line["type"] for line in lines] == ["bar", "bar", "quote"]
    assert [line.get("close") for line in lines] == [93.2, 93.3, None]
    assert all(line["clock"] == "2024-11-18T15:00:00Z" and line["id"] is None for line in lines)


def test_a_snapshot_of_nothing_is_no_line() -> None:
    assert flat_lines(notice(type="snapshot", bars=[])) == ""


def test_other_events_are_lines_as_they_are() -> None:
    frame = {"id": "1.2-0", "clock": "c", "hash": "h", "events": [BAR, {"type": "day_open"}]}
    assert [json.loads(line) for line in flat_lines(frame).splitlines()] == [
        {"id": "1.2-0", "clock": "c", **event} for event in frame["events"]
    ]
    assert text_lines(notice(type="snapshot", as_of="1.2-0", bars=[BAR]), NEW_YORK).endswith("1 bars as of 1.2-0")


def test_people_read_the_exchanges_time_down_to_the_nanosecond() -> None:
    trade = {"type": "trade", "symbol": "IBM", "at": "2024-11-18T14:59:59.123456789Z", "price": 9.5, "size": 3}
    line = text_lines(notice(**trade, exchange="N"), NEW_YORK)
    assert line == "2024-11-18 10:00:00 New York trade IBM 09:59:59.123456789 9.5 x 3 N"


def test_the_clock_of_a_step_within_a_second_is_whole() -> None:
    frame = notice(type="day_open", date="2024-11-18") | {"clock": "2024-11-18T14:30:00.100Z"}
    assert text_lines(frame, NEW_YORK) == "2024-11-18 09:30:00.100 New York day_open date=2024-11-18"
