"""Corrections in mid-run: what frames hold before and after one, and what the frame between them holds."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from marketdata.calendar import trading_day
from marketdata.columns import BarColumns
from marketdata.derive import derive
from streaming.engine.frames.frame import decode
from streaming.engine.tape.corrections import Correction
from streaming.engine.tape.merge import Tape

DAY = trading_day(dt.date(2025, 7, 3))
WIDTHS = (5, 15)


def bars(minutes: list[int], close: float = 10.0) -> BarColumns:
    n = len(minutes)
    column = np.full(n, close)
    return BarColumns(
        np.array(minutes, np.int64) * 60, column, column, column, column, np.full(n, 100.0), np.full(n, np.nan), column
    )


def changed(day: BarColumns, minute: int, close: float) -> BarColumns:
    values = day.close.copy()
    values[day.offset // 60 == minute] = close
    return replace(day, close=values, high=np.maximum(day.high, values))


def without(day: BarColumns, *minutes: int) -> BarColumns:
    return day.take(~np.isin(day.offset // 60, minutes))


def events(tape: Tape, active: tuple[str, ...] = ("AAPL", "MSFT")) -> list[list[dict[str, Any]]]:
    reported = []
    for k in range(len(tape)):
        body = tape.body(k, None, active)
        reported.append(decode(tape.frame_id(k, 1), body, "").wire()["events"])
    return reported


def of(reported: list[dict[str, Any]], kind: str, interval: str = "1m", symbol: str = "AAPL") -> list[dict[str, Any]]:
    return [e for e in reported if e["type"] == kind and e["interval"] == interval and e["symbol"] == symbol]


WHOLE = bars(list(range(210)))


def tape(*corrections: Correction, whole: BarColumns = WHOLE) -> Tape:
    return Tape(DAY, {"AAPL": whole, "MSFT": WHOLE}, WIDTHS, False, corrections=corrections)


def correction(after: int, day: BarColumns, version: int = 2) -> Correction:
    return Correction(after, {"AAPL": day}, {"AAPL": version})


def test_frames_up_to_a_correction_are_the_same_bytes_as_without_it() -> None:
    plain, corrected = tape(), tape(correction(60, changed(WHOLE, 10, 12.0)))
    for k in range(61):
        assert plain.body(k, None, ("AAPL", "MSFT")) == corrected.body(k, None, ("AAPL", "MSFT"))
    assert plain.body(61, None, ("AAPL", "MSFT")) != corrected.body(61, None, ("AAPL", "MSFT"))


def test_the_next_frame_tells_what_changed_with_its_original_stamp_and_its_version() -> None:
    reported = events(tape(correction(60, changed(WHOLE, 10, 12.0))))
    (event,) = of(reported[61], "revision")
    assert (event["start"], event["end"], event["close"], event["version"]) == (
        *("2025-07-03T13:40:00Z", "2025-07-03T13:41:00Z", 12.0, 2),
    )
    assert [len(of(frame, "revision")) for frame in reported] == [0] * 61 + [1] + [0] * 149
    types = [event["type"] for event in reported[61]]
    assert types.index("revision") < types.index("bar"), "what is older comes first"


def test_derived_bars_that_were_out_are_revised_with_their_minutes() -> None:
    corrected = changed(WHOLE, 10, 12.0)
    reported = events(tape(correction(60, corrected)))
    for width, name in ((5, "5m"), (15, "15m")):
        (event,) = of(reported[61], "revision", name)
        made = derive(corrected, 210, width)
        row = int(np.flatnonzero(made.columns.offset == 10 // width * width * 60)[0])
        assert (event["high"], event["close"]) == (made.columns.high[row], made.columns.close[row])
        assert event["n_present"] == event["n_expected"] == width


def test_a_derived_bar_that_was_still_forming_is_reported_once_and_right() -> None:
    reported = events(tape(correction(62, changed(WHOLE, 61, 12.0))))
    assert len(of(reported[63], "revision")) == 1
    assert not of(reported[63], "revision", "5m")
    assert of(reported[65], "bar", "5m")[0]["high"] == 12.0


def test_minutes_that_are_not_over_come_as_bars_and_not_as_revisions() -> None:
    reported = events(tape(correction(60, changed(WHOLE, 100, 12.0))))
    assert not [e for frame in reported for e in frame if e["type"] == "revision"]
    assert of(reported[101], "bar")[0]["close"] == 12.0


def test_a_filled_minute_is_a_revision_and_completes_its_derived_bar() -> None:
    reported = events(tape(correction(60, WHOLE), whole=without(WHOLE, 10, 150)))
    assert of(reported[15], "bar", "5m")[0]["complete"] is False
    assert of(reported[61], "revision")[0]["start"] == "2025-07-03T13:40:00Z"
    assert of(reported[61], "revision", "5m")[0]["complete"] is True
    assert of(reported[151], "bar"), "the later hole is filled before its time"


def test_a_bar_that_is_no_more_says_so() -> None:
    reported = events(tape(correction(60, without(WHOLE, 10))))
    (event,) = of(reported[61], "revision")
    assert (event["start"], event["n_present"], event["complete"], event["close"]) == (
        *("2025-07-03T13:40:00Z", 0, False, None),
    )


def test_every_bar_is_reported_once_whatever_is_corrected() -> None:
    corrections = (
        correction(30, changed(WHOLE, 10, 12.0), 2),
        correction(31, changed(WHOLE, 20, 13.0), 3),
        correction(31, changed(WHOLE, 25, 14.0), 4),
        correction(100, WHOLE, 5),
    )
    reported = events(tape(*corrections))
    for symbol in ("AAPL", "MSFT"):
        assert [len(of(frame, "bar", "1m", symbol)) for frame in reported] == [0] + [1] * 210
        assert [k for k, frame in enumerate(reported) if of(frame, "bar", "5m", symbol)] == list(range(5, 211, 5))
    assert [event["version"] for event in of(reported[31], "revision")] == [2]
    assert [event["version"] for event in of(reported[32], "revision")] == [3, 3, 4, 4]
    assert [event["version"] for event in of(reported[101], "revision")] == [5]


def test_from_the_open_a_correction_is_simply_the_day() -> None:
    corrected = changed(WHOLE, 10, 12.0)
    one = tape(correction(-1, corrected))
    other = Tape(DAY, {"AAPL": corrected, "MSFT": WHOLE}, WIDTHS, False)
    for k in range(211):
        assert one.body(k, None, ("AAPL", "MSFT")) == other.body(k, None, ("AAPL", "MSFT"))


def test_symbols_that_are_not_active_have_nothing_revised() -> None:
    reported = events(tape(correction(60, changed(WHOLE, 10, 12.0))), active=("MSFT",))
    assert not [e for frame in reported for e in frame if e["type"] == "revision"]


@pytest.mark.parametrize(
    ("symbols", "intervals", "count"),
    [
        pytest.param(None, None, 3, id="everything"),
        pytest.param({"AAPL"}, {"5m"}, 1, id="one interval"),
        pytest.param({"MSFT"}, None, 0, id="another symbol"),
    ],
)
def test_a_filtered_frame_tells_the_revisions_that_are_wanted(
    symbols: set[str] | None, intervals: set[str] | None, count: int
) -> None:
    made = tape(correction(60, changed(WHOLE, 10, 12.0)))
    frame = decode(made.frame_id(61, 1), made.body(61, None, ("AAPL", "MSFT")), "")
    reported = frame.wire(symbols, intervals)["events"]
    assert sum(event["type"] == "revision" for event in reported) == count
