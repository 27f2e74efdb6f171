"""A zone in the name of a column of stamps."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import Doubt, UnreadableFile
from marketdata.importing.days.splitting import split
from marketdata.importing.tables.bar_reading import read
from marketdata.importing.tables.tick_reading import read_ticks
from marketdata.kinds import DayKind

OPEN = {
    "summer": dt.datetime(2025, 7, 2, 13, 30, tzinfo=dt.UTC),
    "winter": dt.datetime(2025, 1, 15, 14, 30, tzinfo=dt.UTC),
}
BERLIN, LONDON = "Europe/Berlin", "Europe/London"


def written(path: Path, head: str, zone: str, season: str = "summer") -> Path:
    """A whole session, with as many columns of stamps as the head has."""
    lines = [head + ",open,high,low,close,volume"]
    for minute in range(390):
        at = (OPEN[season] + dt.timedelta(minutes=minute)).astimezone(ZoneInfo(zone))
        stamp = f"{at:%Y-%m-%d,%H:%M:%S}" if "," in head else f"{at:%Y-%m-%d %H:%M:%S}"
        lines.append(f"{stamp},50,51,49,50.25,{1000 + minute}")
    path.write_text("\n".join(lines) + "\n")
    return path


NEW_YORK = "America/New_York"
HEADS = {
    "Time (ET)": NEW_YORK,
    "Time (EDT)": NEW_YORK,
    "Time (PT)": "America/Los_Angeles",
    "Time (BST)": LONDON,
    "Time (CEST)": BERLIN,
    "Time [US/Eastern]": NEW_YORK,
    "Time (New York)": NEW_YORK,
    "Timestamp_ET": NEW_YORK,
    "time_et": NEW_YORK,
    "Time EDT": NEW_YORK,
    "Date (ET),Time (ET)": NEW_YORK,
    "Date (ET),Time": NEW_YORK,
    "Date,Time (UTC)": "UTC",
    "Date,Time (ET)": NEW_YORK,
    "Datetime (UTC)": "UTC",
}


@pytest.mark.parametrize("head", HEADS)
def test_a_zone_in_a_head_is_the_zone_of_the_stamps(tmp_path: Path, head: str) -> None:
    table = read(written(tmp_path / "AAPL.csv", head, HEADS[head]), FileForm())
    (day,) = split(table).days
    assert len(day.bars.offset) == 390
    assert table.stamp[0] == OPEN["summer"].timestamp()


@pytest.mark.parametrize("season", OPEN)
@pytest.mark.parametrize("head", ["Time (EST)", "time_est", "Time EST"])
def test_est_may_be_new_yorks_all_year(tmp_path: Path, head: str, season: str) -> None:
    path = written(tmp_path / "AAPL.csv", head, NEW_YORK, season)
    if season == "summer":
        with pytest.raises(Doubt, match="--tz America/New_York"):
            read(path, FileForm())
    table = read(path, FileForm(tz=NEW_YORK))
    assert table.stamp[0] == OPEN[season].timestamp()
    if season == "winter":
        assert read(path, FileForm()).stamp[0] == OPEN[season].timestamp()


def test_est_that_is_no_new_yorks_summer_is_read_by_its_offset(tmp_path: Path) -> None:
    path = written(tmp_path / "AAPL.csv", "Time (EST)", "Etc/GMT+5")
    assert read(path, FileForm()).stamp[0] == OPEN["summer"].timestamp()


@pytest.mark.parametrize(
    ("line", "head"),
    [("2025-07-02 09:{0}", "Time (EST)"), ("2025-07-02 09:{0} EST", "time"), ("2025-07-02T11:{0} PST", "time")],
)
def test_a_part_of_a_summers_day_in_a_winters_zone_is_asked_about(tmp_path: Path, line: str, head: str) -> None:
    path = tmp_path / "AAPL.csv"
    rows = [f"{line.format(minute)},10,11,9,10,100" for minute in range(35, 50)]
    path.write_text("\n".join([f"{head},open,high,low,close,volume", *rows]))
    with pytest.raises(Doubt, match="where the place's clocks show summer"):
        read(path, FileForm())
    place = "America/Los_Angeles" if "PST" in line else NEW_YORK
    assert read(path, FileForm(tz=place)).stamp[0] != read(path, FileForm(as_is=True)).stamp[0]


def test_cet_is_an_offset_in_a_head_as_in_a_stamp(tmp_path: Path) -> None:
    path = written(tmp_path / "AAPL.csv", "Time (CET)", BERLIN)
    with pytest.raises(Doubt, match="--tz"):
        read(path, FileForm())
    assert read(path, FileForm(tz=BERLIN)).stamp[0] == OPEN["summer"].timestamp()


def test_another_zone_than_the_heads_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "AAPL.csv", "Time (ET)", NEW_YORK)
    with pytest.raises(UnreadableFile, match="leave out --tz"):
        read(path, FileForm(tz="UTC"))


def test_trades_have_zones_in_their_heads_too(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    path.write_text("Time (ET),price,size\n2025-07-02 09:30:00,50,1\n2025-07-02 09:30:01,50,1\n")
    assert read_ticks(path, FileForm(), DayKind.TRADES).rows.at[0] == OPEN["summer"].timestamp() * 1e9
