"""What `tail_session` writes: with --flat one event a line, whatever a reader who joins late gets at once."""

from __future__ import annotations

import json
from typing import Any

from streaming.management.commands.tail_session import flat_lines, text_lines

BAR = {"type": "bar", "symbol": "AAPL", "interval": "1m", "close": 93.2}
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
    assert text_lines(notice(type="snapshot", as_of="1.2-0", bars=[BAR])).endswith("1 bars as of 1.2-0")
