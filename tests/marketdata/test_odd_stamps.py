"""Stamps in odd forms, of other counts and in wrong zones: right, or refused with what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import compress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.days.read_file import nothing_usable
from marketdata.importing.days.splitting import Split, split
from marketdata.importing.days.tick_splitting import split_ticks
from marketdata.importing.tables.bar_reading import read
from marketdata.importing.tables.tick_reading import read_ticks

ZONE = ZoneInfo("America/New_York")
NEW_YORK = {"tz": "America/New_York"}
HEAD = "time,open,high,low,close,volume"
VALUES = "10,11,9,10.5,100"
Form = Callable[[dt.datetime], str]


def moments(date: dt.date = dt.date(2025, 7, 2), first: int = 0, count: int = 390) -> list[dt.datetime]:
    """Minutes after 09:30 of New York."""
    opened = dt.datetime.combine(date, dt.time(9, 30), ZONE)
    return [opened + dt.timedelta(minutes=first + minute) for minute in range(count)]


def parts(folder: Path, text: str, **options: Any) -> Split:
    path = folder / "AAPL.csv"
    path.write_text(text)
    return split(read(path, FileForm(**options)))


def table(form: Form, at: list[dt.datetime], head: str = HEAD) -> str:
    return "\n".join([head, *(f"{form(moment)},{VALUES}" for moment in at)]) + "\n"


def starts(found: Split) -> list[dt.datetime]:
    """Of all bars, in UTC."""
    at = []
    for day in found.days:
        opened = dt.datetime.combine(day.date, dt.time(9, 30), ZONE)
        at += [(opened + dt.timedelta(seconds=int(offset))).astimezone(dt.UTC) for offset in day.bars.offset]
    return sorted(at)


APART = HEAD.replace("time", "Date,Time")
UTC_DAY = "%Y-%m-%d %H:%M:%S"


def utc(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime(UTC_DAY)


READ: dict[str, tuple[Form, dict[str, Any], str]] = {
    "minutes of the day": (lambda m: f"{m:%Y%m%d},{m.hour * 60 + m.minute}", NEW_YORK, APART),
    "seconds of the day": (lambda m: f"{m:%Y%m%d},{(m.hour * 60 + m.minute) * 60}", NEW_YORK, APART),
    "milliseconds of the day": (lambda m: f"{m:%Y%m%d},{(m.hour * 60 + m.minute) * 60_000}", NEW_YORK, APART),
    "HMM": (lambda m: f"{m:%Y%m%d},{m.hour * 100 + m.minute}", NEW_YORK, APART),
    "HMMSS": (lambda m: f"{m:%Y%m%d},{m.hour * 10_000 + m.minute * 100}", NEW_YORK, APART),
    "HMMSSmmm": (lambda m: f"{m:%Y%m%d},{m.hour * 10**7 + m.minute * 10**5}", NEW_YORK, APART),
    "a midnight in the date": (lambda m: f"{m:%Y-%m-%d 00:00:00},{m:%H:%M:%S}", NEW_YORK, APART),
    "a midnight of twelve hours": (
        lambda m: f"{m.month}/{m.day}/{m.year} 12:00:00 AM,{m:%H:%M:%S}",
        {**NEW_YORK, "date_order": "mdy"},
        APART,
    ),
    "the date in the time as well": (lambda m: f"{m:%Y-%m-%d},{m:%Y-%m-%d %H:%M}", NEW_YORK, APART),
    "Date and Timestamp": (lambda m: f"{m:%Y%m%d},{m:%H:%M:%S.000}", NEW_YORK, HEAD.replace("time", "Date,Timestamp")),
    "17 digits": (lambda m: f"{m:%Y%m%d%H%M%S}000", NEW_YORK, HEAD),
    "twelve hours": (lambda m: f"{m:%Y-%m-%d %I:%M:%S %p}", NEW_YORK, HEAD),
    "a.m.": (lambda m: f"{m:%Y-%m-%d %I:%M:%S} {'a.m.' if m.hour < 12 else 'p.m.'}", NEW_YORK, HEAD),
    "a month's name": (lambda m: f"{m:%d-%b-%Y %H:%M}", NEW_YORK, HEAD),
    "a month's name first": (lambda m: f'"{m:%b} {m.day}, {m:%Y %I:%M %p}"', NEW_YORK, HEAD),
    "SAS": (lambda m: f"{m:%d%b%Y:%H:%M:%S}".upper(), NEW_YORK, HEAD),
    "SAS, the time apart": (lambda m: f"{m:%d%b%Y,%H:%M:%S}".upper(), NEW_YORK, APART),
    "RFC 2822": (lambda m: f'"{m:%a, %d %b %Y %H:%M:%S} -0400"', {}, HEAD),
    "a comma before the fraction": (lambda m: f'"{m:%Y-%m-%d %H:%M:%S},000"', NEW_YORK, HEAD),
    "a colon before the fraction": (lambda m: f"{m:%Y-%m-%d %H:%M:%S}:000", NEW_YORK, HEAD),
    "ET": (lambda m: f"{m:%Y-%m-%d %H:%M:%S} ET", {}, HEAD),
    "EST all year": (lambda m: f"{m:%Y-%m-%d %H:%M:%S} EST", NEW_YORK, HEAD),
    "Java's zone": (lambda m: f"{m:%Y-%m-%dT%H:%M:%S}-04:00[America/New_York]", {}, HEAD),
    "an index without a name": (lambda m: f"{m:%Y-%m-%d %H:%M:%S}-04:00", {}, HEAD.replace("time", "")),
    "an unnamed index": (lambda m: f"{m:%Y-%m-%d %H:%M:%S}-04:00", {}, HEAD.replace("time", "Unnamed: 0")),
    "datetime_utc": (utc, {}, HEAD.replace("time", "datetime_utc")),
    "Timestamp (UTC)": (utc, {}, HEAD.replace("time", "Timestamp (UTC)")),
    "Time (EET)": (lambda m: f"{m + dt.timedelta(hours=7):%Y.%m.%d %H:%M:%S}", {}, HEAD.replace("time", "Time (EET)")),
    "bar_start": (lambda m: m.isoformat(), {}, HEAD.replace("time", "bar_start")),
    "an epoch of a server's clock": (
        lambda m: f"{m.timestamp() + 3 * 3600:.0f}",
        {"tz": "America/New_York+07:00"},
        HEAD,
    ),
    "two digits for a year in front": (lambda m: f"{m:%y-%m-%d %H:%M}", {**NEW_YORK, "date_order": "ymd"}, HEAD),
}


@pytest.mark.parametrize("name", READ)
def test_a_stamp_is_read(tmp_path: Path, name: str) -> None:
    form, options, head = READ[name]
    found = parts(tmp_path, table(form, moments(), head), **options)
    assert starts(found) == [moment.astimezone(dt.UTC) for moment in moments()]
    assert found.rejected == []


def test_years_in_front_are_seen_where_the_days_behind_change(tmp_path: Path) -> None:
    days = [dt.date(2025, 7, day) for day in (1, 2, 3)]
    text = table(lambda m: f"{m:%y-%m-%d %H:%M}", [m for day in days for m in moments(day, count=20)])
    assert [day.date for day in parts(tmp_path, text, **NEW_YORK).days] == days


REFUSED: dict[str, tuple[Form, str, str]] = {
    "a year of two digits": (lambda m: f"{m:%y-%m-%d %H:%M}", HEAD, "pass --date-order ymd, dmy or mdy"),
    "the same with slashes": (lambda m: f"{m:%y/%m/%d %H:%M}", HEAD, "pass --date-order ymd, dmy or mdy"),
    "no times of day": (lambda m: f"{m:%Y%m%d},{m.minute * 97 + 2000}", APART, "neither HHMM nor counted"),
    "a spreadsheet's epoch": (lambda m: f"{m.timestamp() * 1000:.5E}", HEAD, "were rounded by a spreadsheet"),
    "the same with six digits": (lambda m: f"{m.timestamp() * 1000:.6E}", HEAD, "were rounded by a spreadsheet"),
    "days of a spreadsheet": (lambda m: f"{45840 + (m.hour * 60 + m.minute) / 1440}", HEAD, "days since 1899-12-30"),
    "Julian days": (lambda m: f"{2460858.5 + (m.hour * 60 + m.minute) / 1440}", HEAD, "Julian days"),
    "MATLAB's days": (lambda m: f"{739800 + (m.hour * 60 + m.minute) / 1440}", HEAD, "days as MATLAB counts them"),
    "minutes since 1970": (lambda m: f"{m.timestamp() / 60:.0f}", HEAD, "minutes since 1970"),
    "HHMMSS and nanoseconds": (lambda m: f"{m:%H%M%S}123456789", HEAD, "HHMMSS and nanoseconds, whose date is"),
    "numbers of rows": (lambda m: f"{m.hour * 60 + m.minute - 570}", HEAD, "numbers of rows"),
    "a last second": (lambda m: f"{m:%Y-%m-%d %H:%M}:59", HEAD, "--label end where they are the minute's last second"),
    "no stamp": (lambda m: f"{m:%Y week %W %H:%M}", HEAD, r"\(2025 week 26 09:30,10.*--columns time="),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_time_is_refused_with_what_it_may_be(tmp_path: Path, name: str) -> None:
    form, head, message = REFUSED[name]
    with pytest.raises(UnreadableFile, match=message):
        found = parts(tmp_path, table(form, moments(count=60), head), **NEW_YORK)
        assert not found.days
        raise nothing_usable(tmp_path, 60, found.rejected)


def test_one_bad_row_does_not_turn_all_dates_round(tmp_path: Path) -> None:
    text = table(lambda m: f"{m:%m/%d/%Y %H:%M}", moments()) + f"25/01/2025 10:00,{VALUES}\n"
    with pytest.raises(UnreadableFile, match="only a row or two say which of them is the month: pass --date-order"):
        parts(tmp_path, text, **NEW_YORK)


def stamp(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


TWICE = moments()[1:-1]
MISPLACED: dict[str, tuple[Form, list[dt.datetime]]] = {
    "winter's time in summer": (lambda m: stamp(m - dt.timedelta(hours=1)), TWICE),
    "UTC": (utc, TWICE),
    "a server's clock": (lambda m: stamp(m + dt.timedelta(hours=7)), moments()[2:-9]),
    "twelve hours without am and pm": (lambda m: f"{m:%Y-%m-%d %I:%M}", TWICE),
    "UTC, with extended hours": (utc, moments(first=-329, count=957)),
}


@pytest.mark.parametrize("name", MISPLACED)
def test_a_wrong_zone_is_seen_where_the_first_or_last_minute_is_absent(tmp_path: Path, name: str) -> None:
    form, at = MISPLACED[name]
    text = table(form, at)
    with pytest.raises(UnreadableFile, match=r"seem to lie .* or --as-is"):
        parts(tmp_path, text, **NEW_YORK)
    assert len(starts(parts(tmp_path, text, as_is=True, **NEW_YORK))) == len(at)


def test_a_wrong_zone_is_seen_by_the_volume_of_full_extended_days(tmp_path: Path) -> None:
    days = [dt.date(2025, 7, day) for day in (7, 8, 9, 10, 11)]
    at = [m for day in days for m in moments(day, first=-330, count=960)]
    lines = [f"{stamp(m)},10,11,9,10.5,{1000 if dt.time(9, 30) <= m.time() < dt.time(16) else 10}" for m in at]
    inner = [5 < place % 960 < 950 for place in range(len(at))]
    shifted = [line.replace(line[:16], stamp(m - dt.timedelta(hours=1))) for line, m in zip(lines, at, strict=True)]
    assert len(starts(parts(tmp_path, "\n".join([HEAD, *lines]), **NEW_YORK))) == len(at)
    with pytest.raises(UnreadableFile, match="its busiest minutes"):
        parts(tmp_path, "\n".join([HEAD, *compress(shifted, inner)]), **NEW_YORK)


ALL_RIGHT = {
    "a morning that began at four": moments(first=-330, count=390),
    "an afternoon": moments(first=200, count=400),
    "the hours before the open": moments(first=-330, count=330),
    "every seventh minute": sorted({*moments()[::7], *moments()[3::11]}),
    "a half day": moments(dt.date(2025, 7, 3), count=210)[1:-1],
}


@pytest.mark.parametrize("name", ALL_RIGHT)
def test_parts_of_a_day_are_not_taken_for_another_zone(tmp_path: Path, name: str) -> None:
    at = ALL_RIGHT[name]
    assert len(starts(parts(tmp_path, table(stamp, at), **NEW_YORK))) == len(at)


def test_events_of_a_wrong_zone_are_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    path.write_text("\n".join(["time,price,size", *(f"{utc(m)},10,100" for m in TWICE)]) + "\n")
    with pytest.raises(UnreadableFile, match="seem to lie 4 hours later"):
        split_ticks(read_ticks(path, FileForm(**NEW_YORK), "ticks"))


EXTENDED = moments(first=-90, count=600)


def opening(moment: dt.datetime) -> int:
    return 5000 if dt.time(9, 30) <= moment.time() < dt.time(16) else 5


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([f"{stamp(m)},10,11,9,10.5,7" for m in EXTENDED], id="whole half hours"),
        pytest.param([f"{stamp(m)},10,11,9,10.5,{opening(m)}" for m in EXTENDED[7:-3]], id="the open's volume"),
        pytest.param(
            [f"{stamp(m)},10,11,9,10.5,7" for m in EXTENDED if m.minute % 2 == 0 or opening(m) > 5],
            id="the open's rows",
        ),
    ],
)
def test_starts_of_a_day_with_extended_hours_are_no_ends(tmp_path: Path, lines: list[str]) -> None:
    text = "\n".join([HEAD, *lines])
    with pytest.raises(UnreadableFile, match="--label says end"):
        parts(tmp_path, text, label="end", **NEW_YORK)
    assert len(starts(parts(tmp_path, text, **NEW_YORK))) == len(lines)


def test_ends_of_days_with_extended_hours_are_doubted(tmp_path: Path) -> None:
    at = [m for day in (1, 2) for m in moments(dt.date(2025, 7, day), first=-80, count=600)]
    lines = [f"{stamp(m + dt.timedelta(minutes=1))},10,11,9,10.5,{opening(m)}" for m in at]
    with pytest.raises(UnreadableFile, match="begin a minute after the open: its stamps seem to be the minutes' ends"):
        parts(tmp_path, "\n".join([HEAD, *lines]), **NEW_YORK)
    assert starts(parts(tmp_path, "\n".join([HEAD, *lines]), label="end", **NEW_YORK))[80].minute == 30


@pytest.mark.parametrize(("day", "count", "span"), [(3, 210, "09:31 to 13:00"), (2, 390, "09:31 to 16:00")])
def test_a_doubt_about_the_label_says_how_the_days_run(tmp_path: Path, day: int, count: int, span: str) -> None:
    at = moments(dt.date(2025, 7, day), count=count)
    with pytest.raises(UnreadableFile, match=f"its days run from {span}: "):
        parts(tmp_path, table(lambda m: stamp(m + dt.timedelta(minutes=1)), at), **NEW_YORK)


def test_quote_bars_that_are_stamped_by_their_ends_are_doubted(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    names = ",".join(f"{side}_{name}" for side in ("bid", "ask") for name in ("open", "high", "low", "close"))
    lines = [f"{stamp(m + dt.timedelta(minutes=1))},10,11,9,10,10,11,9,10.1" for m in moments()]
    path.write_text("\n".join([f"time,{names}", *lines]) + "\n")
    with pytest.raises(UnreadableFile, match="pass --label end or --label start"):
        read_ticks(path, FileForm(**NEW_YORK), "quotes")
    table = read_ticks(path, FileForm(label="end", **NEW_YORK), "quotes")
    assert table.rows.at[0] == round(moments()[1].timestamp()) * 10**9 - 1


def test_the_digits_of_an_epochs_fraction_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    path.write_text("timestamp,price,size\n1751463000.123456789,50,100\n1751463001.5,50,100\n")
    assert np.diff(read_ticks(path, FileForm(), "ticks").rows.at).tolist() == [1_376_543_211]


def test_histdata_in_metatraders_form_is_in_new_yorks_winter_time(tmp_path: Path) -> None:
    path = tmp_path / "DAT_MT_AAPL_M1_2025.csv"
    rows = (f"{m - dt.timedelta(hours=1):%Y.%m.%d,%H:%M},{VALUES}" for m in moments(count=30))
    path.write_text("\n".join(rows) + "\n")
    assert starts(split(read(path, FileForm())))[0] == moments()[0].astimezone(dt.UTC)
