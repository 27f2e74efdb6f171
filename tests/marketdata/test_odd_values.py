"""Columns, widths and labels whose numbers say that they are something else, where no name and no vendor does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import Doubt, NotBars, UnreadableFile
from marketdata.importing.days.read_file import ReadFile, read_file
from marketdata.importing.days.splitting import split
from marketdata.importing.tables.bar_reading import Table, read

ZONE = ZoneInfo("America/New_York")
DATES = [dt.date(2025, 7, day) for day in (1, 2, 7, 8)]
HEAD = "time,open,high,low,close,volume"
Cells = Callable[[int], str]


def at(date: dt.date, minute: int) -> str:
    opened = dt.datetime.combine(date, dt.time(9, 30), ZONE)
    return (opened + dt.timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%S%z")


def plain(minute: int) -> str:
    return f"10,11,9,10.5,{100 + minute * 7 % 50}"


def table(
    path: Path, minutes: Sequence[int], cells: Cells = plain, head: str = HEAD, dates: Sequence[dt.date] = DATES[:1]
) -> Path:
    rows = [f"{at(date, minute)},{cells(minute)}" for date in dates for minute in minutes]
    path.write_text("\n".join([*([head] if head else []), *rows]) + "\n")
    return path


def bars(path: Path, **options: Any) -> Table:
    return read(path, FileForm(**options))


WHOLE = range(390)
FIVE = [*range(0, 390, 5)]


@pytest.mark.parametrize("odd", [[*FIVE, 389], [*FIVE, 17, 388, 389], FIVE])
@pytest.mark.parametrize("days", [1, 4])
def test_wider_bars_with_odd_rows_among_them_are_refused(tmp_path: Path, odd: list[int], days: int) -> None:
    path = table(tmp_path / "AAPL.csv", sorted(odd), dates=DATES[:days])
    with pytest.raises(NotBars, match="its bars are 5 minutes apart"):
        split(bars(path))


def test_a_half_hour_before_whole_hours_is_a_wider_bar(tmp_path: Path) -> None:
    path = table(tmp_path / "AAPL.csv", [0, *range(30, 390, 60)], dates=DATES)
    with pytest.raises(NotBars, match="30 minutes apart"):
        split(bars(path))


def test_a_few_rows_as_far_apart_as_wider_bars_are_asked_about(tmp_path: Path) -> None:
    path = table(tmp_path / "AAPL.csv", range(0, 25, 5))
    with pytest.raises(Doubt, match=r"its rows are 5 minutes apart.*pass --as-is") as asked:
        split(bars(path))
    assert asked.value.option == "as-is"
    assert len(split(bars(path), as_is=True).days[0].rows) == 5


def test_a_day_of_wider_bars_with_an_odd_row_among_minutes_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path / "AAPL.csv", WHOLE)
    wide = [f"{at(DATES[1], minute)},{plain(minute)}" for minute in [*FIVE, 389]]
    path.write_text(path.read_text() + "\n".join(wide) + "\n")
    with pytest.raises(NotBars, match="the bars of AAPL on 2025-07-02 are 5 minutes apart, and others are not"):
        split(bars(path))


def test_few_trades_at_any_minutes_are_minutes(tmp_path: Path) -> None:
    chance = np.random.default_rng(7)
    for round_ in range(40):
        minutes = np.sort(chance.choice(390, size=int(chance.integers(3, 60)), replace=False))
        path = table(tmp_path / f"A{'BCDEFGHIJK'[round_ % 10]}.csv", minutes.tolist(), dates=DATES)
        found = split(bars(path, label="start"))
        assert sum(len(day.rows) for day in found.days) == 4 * len(minutes)


def test_days_that_lack_their_first_minute_or_their_last_are_asked_about(tmp_path: Path) -> None:
    path = table(tmp_path / "AAPL.csv", range(1, 390), dates=DATES)
    with pytest.raises(Doubt, match=r"its days run from 09:31 to 15:59.*pass --label end or --label start"):
        bars(path)
    for label, first in (("start", 60), ("end", 0)):
        assert split(bars(path, label=label)).days[0].bars.offset[0] == first


class Walk:
    """Prices that go from bar to bar, and a volume."""

    def __init__(self) -> None:
        chance = np.random.default_rng(1)
        self.close = np.round(100 + np.cumsum(chance.normal(0, 0.1, 391)), 2)
        self.volume = chance.integers(100, 900, 391)

    def bar(self, minute: int) -> tuple[float, float, float, float]:
        opened, closed = float(self.close[minute]), float(self.close[minute + 1])
        return opened, max(opened, closed) + 0.02, min(opened, closed) - 0.02, closed

    def row(self, minute: int, *more: object) -> str:
        return ",".join(map(str, [*self.bar(minute), int(self.volume[minute]), *more]))


WALK = Walk()


def day_average(minute: int) -> float:
    volume = WALK.volume[: minute + 1]
    return float((WALK.close[: minute + 1] * volume).sum() / volume.sum())


def test_a_days_average_is_not_its_bars(tmp_path: Path) -> None:
    path = table(tmp_path / "AAPL.csv", WHOLE, lambda m: WALK.row(m, f"{day_average(m):.4f}"), f"{HEAD},vwap")
    found = bars(path)
    assert np.isnan(found.values[6]).all()
    assert "vwap" in found.decision.unused and "vwap" not in found.decision.columns
    assert any("vwap lies outside of low and high, so it is no average" in note for note in found.decision.notes)


def test_a_single_average_outside_of_its_bar_is_kept_and_said(tmp_path: Path) -> None:
    def cells(minute: int) -> str:
        return WALK.row(minute, WALK.bar(minute)[3] + 5 * (minute == 7))

    found = bars(table(tmp_path / "AAPL.csv", WHOLE, cells, f"{HEAD},vwap"))
    assert np.isfinite(found.values[6]).all()
    assert "in 1 of 390 bars vwap lies outside of low and high: kept as it is" in found.decision.notes


def test_a_volume_that_sums_up_its_day_is_asked_about(tmp_path: Path) -> None:
    total = np.cumsum(WALK.volume)

    def cells(minute: int) -> str:
        return ",".join(map(str, [*WALK.bar(minute), int(total[minute])]))

    path = table(tmp_path / "AAPL.csv", WHOLE, cells, dates=DATES[:2])
    with pytest.raises(Doubt, match=r"its volume never falls within a day.*pass --as-is"):
        bars(path)
    assert bars(path, as_is=True).values[4, 5] == total[5]


BY_PLACE = {
    "an amount": lambda m: f"{WALK.volume[m] * WALK.close[m]:.2f}",
    "whole amounts": lambda m: f"{WALK.volume[m] * WALK.close[m]:.0f}",
    "an average": lambda m: f"{sum(WALK.bar(m)) / 4:.4f}",
}


@pytest.mark.parametrize("what", BY_PLACE)
def test_a_column_without_a_name_that_counts_no_trades_is_not_used(tmp_path: Path, what: str) -> None:
    path = table(tmp_path / "AAPL.csv", WHOLE, lambda m: WALK.row(m, BY_PLACE[what](m)), head="")
    found = bars(path)
    assert np.isnan(found.values[5]).all() and found.decision.unused == ("trade_count",)


def test_a_column_without_a_name_may_count_trades(tmp_path: Path) -> None:
    path = table(tmp_path / "AAPL.csv", WHOLE, lambda m: WALK.row(m, WALK.volume[m] // 50), head="")
    assert bars(path).values[5, 3] == WALK.volume[3] // 50


def test_closes_before_opens_without_a_head_line_are_refused(tmp_path: Path) -> None:
    def cells(minute: int) -> str:
        opened, high, low, closed = WALK.bar(minute)
        return f"{closed},{high},{low},{opened},{WALK.volume[minute]}"

    path = table(tmp_path / "AAPL.csv", WHOLE, cells, head="")
    with pytest.raises(UnreadableFile, match=r"close, high, low, open.*--columns open=close,close=open"):
        bars(path)
    found = bars(path, columns={"open": "close", "close": "open"})
    assert found.values[0, 1] == WALK.bar(1)[0]


def noted(path: Path, **options: Any) -> ReadFile:
    return read_file(path, FileForm(**options))


@pytest.mark.django_db
def test_what_a_files_name_and_options_say_otherwise_is_noted(tmp_path: Path) -> None:
    path = table(tmp_path / "AAPL_2025-07-03.csv", WHOLE)
    notes = noted(path, tz="America/New_York").decision.notes
    assert "its name says 2025-07-03, its rows are of 2025-07-01" in notes
    assert "--tz America/New_York is not used: its stamps carry their own offset" in notes
    assert noted(table(tmp_path / "AAPL_20250701.csv", WHOLE)).decision.notes == ()


@pytest.mark.django_db
def test_symbols_of_a_column_that_are_read_otherwise_are_named(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    names = ("msft", "MSFT")
    rows = [f"{at(DATES[0], minute)},{plain(minute)},{names[minute % 2]}" for minute in WHOLE]
    path.write_text("\n".join([f"{HEAD},symbol", *rows]) + "\n")
    assert noted(path).decision.symbol.why == "column symbol, msft read as MSFT, and not AAPL as the file's name says"
