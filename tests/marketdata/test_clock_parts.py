"""Stamps whose parts stand in columns of their own."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.days.read_file import refuse_bad_symbols
from marketdata.importing.tables.bar_reading import read

OPEN = dt.datetime(2025, 7, 2, 13, 30, tzinfo=dt.UTC)
FORMS = {
    "date,hour,minute": "%Y-%m-%d,%H,%M",
    "date,hour,minute,second": "%Y%m%d,%H,%M,%S",
    "Date,Hour,Minute": "%m/%d/%Y,%H,%M",
    "year,month,day,hour,minute": "%Y,%m,%d,%H,%M",
}


@pytest.mark.parametrize("head", FORMS)
def test_the_parts_of_a_stamp_are_joined(tmp_path: Path, head: str) -> None:
    rows = [
        f"{dt.datetime(2025, 7, 2, 9, 30) + dt.timedelta(minutes=minute):{FORMS[head]}},50,51,49,50.5,10"  # noqa: DTZ001
        for minute in range(390)
    ]
    path = tmp_path / "AAPL.csv"
    path.write_text("\n".join([f"{head},open,high,low,close,volume", *rows]) + "\n")
    table = read(path, FileForm(tz="America/New_York", date_order="mdy"))
    assert table.stamp[[0, -1]].tolist() == [OPEN.timestamp(), OPEN.timestamp() + 389 * 60]
    assert table.decision.unused == ()


def test_the_last_second_of_a_minute_is_its_end(tmp_path: Path) -> None:
    rows = [
        f"{OPEN + dt.timedelta(minutes=minute, seconds=59):%Y-%m-%dT%H:%M:%SZ},50,51,49,50.5,10"
        for minute in range(390)
    ]
    path = tmp_path / "AAPL.csv"
    path.write_text("\n".join(["timestamp,open,high,low,close,volume", *rows]) + "\n")
    table = read(path, FileForm(label="end"))
    assert table.stamp[[0, -1]].tolist() == [OPEN.timestamp(), OPEN.timestamp() + 389 * 60]
    assert not table.sub_second.any()


def test_rows_without_a_symbol_say_what_to_pass() -> None:
    with pytest.raises(UnreadableFile, match="pass --symbol"):
        refuse_bad_symbols(Path("x.dbn"), {""}, known_only=False)
