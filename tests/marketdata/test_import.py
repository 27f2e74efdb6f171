"""Import of real files against counts made elsewhere, and of bad ones against what a person should be shown."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from marketdata.models import Bar, Dataset, DayVersion, Instrument, QuarantinedRow
from tests.marketdata.days import bars_of
from tests.workers import database_url

pytestmark = pytest.mark.django_db
Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    folder = tmp_path / "feed"
    folder.mkdir()

    def file(name: str, text: str) -> Path:
        path = folder / name
        path.write_text(text)
        return path

    return file


def run(*arguments: Any, **options: Any) -> dict[str, Any]:
    out = StringIO()
    call_command("import_bars", *map(str, arguments), json=True, stdout=out, **options)
    (report,) = json.loads(out.getvalue())["datasets"]
    return dict(report)


FEEDS = ["google_2016", "alphavantage_2019", "exthours_2025", "spy_2024", "lean", "sparse_etf", "aapl_2024", "spy_2020"]


@pytest.mark.parametrize("feed", FEEDS)
def test_a_real_feed_imports_with_the_counts_of_its_manifest(shared_data: Path, feed: str) -> None:
    with (shared_data / "MANIFEST.csv").open() as manifest:
        rows = [row for row in csv.DictReader(manifest) if row["path"].startswith(f"bars/{feed}/")]
    report = run(shared_data / "bars" / feed)
    assert report["inserted"] == sum(int(row["rth_present"]) for row in rows)
    assert report["outside_session"] == sum(int(row["outside_rth_rows"]) for row in rows)
    assert (report["files"], report["rejected"]) == (len(rows), 0)
    again = run(shared_data / "bars" / feed)
    assert (again["inserted"], again["unchanged"], again["days"]) == (0, report["inserted"], 0)


def test_many_symbols_in_one_parquet_file(shared_data: Path) -> None:
    report = run(shared_data / "universe" / "us284_2018" / "2018-02-16_1min.parquet")
    assert (report["inserted"], report["symbols"], report["dataset"]) == (109_648, 284, "us284_2018")


def test_null_volumes_stay_null(market_data: Path) -> None:
    run(market_data / "universe" / "sp500_2026_novolume" / "2026-01-16_1min.parquet")
    assert all(np.isnan(bars_of(day).volume).all() for day in DayVersion.objects.all())


ROWS = """time,open,high,low,close,volume
2025-07-02T13:30:00Z,10,11,9,10.5,100
2025-07-02T13:31:00Z,10,9,9,10.5,100
2025-07-02T13:31:30Z,10,11,9,10.5,100
2025-07-02T13:32:00Z,10,11,9,abc,100
2025-07-02T13:33:00Z,10,11,9,10.5,-1
2025-07-02T13:30:00Z,10,11,9,10.7,100
2025-07-02T13:30:00Z,10,11,9,10.5,100
2025-07-04T13:30:00Z,10,11,9,10.5,100
yesterday,10,11,9,10.5,100
2025-07-02T12:00:00Z,10,11,9,10.5,100
"""


def test_every_row_is_accounted_for_and_what_breaks_a_rule_is_reported_with_its_line(write: Write) -> None:
    report = run(write("AAPL_x.csv", ROWS))
    figures = ("rows", "inserted", "outside_session", "repeated", "rejected")
    assert [report[name] for name in figures] == [10, 1, 1, 1, 7]
    reported = dict(QuarantinedRow.objects.values_list("line", "reason"))
    assert reported == {
        3: "high is below open or close",
        4: "the stamp is not on a whole minute",
        5: "a price is not a finite number",
        6: "volume is negative",
        7: "line 8 has other values for the same minute",
        9: "2025-07-04 is not a trading day of XNYS",
        10: "the time cannot be read",
    }
    run(write("AAPL_x.csv", ROWS))
    assert QuarantinedRow.objects.count() == 7


def test_a_corrected_file_is_a_new_version_and_a_part_completes_the_day(write: Write) -> None:
    head, *lines = ROWS.splitlines()[:2]
    run(write("AAPL_a.csv", f"{head}\n{lines[0]}\n"))
    run(write("AAPL_b.csv", f"{head}\n2025-07-02T13:31:00Z,10,11,9,10.5,100\n"))
    run(write("AAPL_c.csv", f"{head}\n2025-07-02T13:30:00Z,10,12,9,10.5,100\n"))
    assert DayVersion.objects.count() == 3
    assert list(Bar.objects.order_by("start").values_list("high", flat=True)) == [12.0, 11.0]


@pytest.mark.parametrize(
    ("stamp", "options"),
    [
        ("2025-07-02 09:30:00", {"tz": "America/New_York"}),
        ("2025-07-02 09:31:00", {"tz": "America/New_York", "label": "end"}),
        ("1751463000", {}),
        ("1751463000000", {}),
        ("2025-07-02T09:30:00-04:00", {}),
    ],
)
def test_the_0930_bar_is_the_0930_bar_however_it_is_stamped(write: Write, stamp: str, options: dict[str, str]) -> None:
    run(write("IBM.csv", f"date,o,h,l,c,v\n{stamp},10,11,9,10.5,5\n"), **options)
    assert Bar.objects.get().start == dt.datetime(2025, 7, 2, 13, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("A.csv", "time,open,high,low,close\n2025-07-02 09:30:00,1,1,1,1\n", "no time zone: pass --tz"),
        ("A.csv", "time,open,high,low\n1,1,1,1\n", "no column for close; it has time, open, high, low"),
        ("A.parquet", "not parquet", "cannot be read"),
        ("A.csv", "", "cannot be read"),
        ("A.exe", "x", "not one of the forms"),
        ("A.xlsx", "x", "is a spreadsheet: save its sheet as CSV"),
        ("A.pkl", "x", r"a frame of pandas: write it with to_parquet"),
        ("A.tar.gz", "x", "is an archive of another kind: unpack it"),
        ("S013020-v50.txt.gz", "x", "is Nasdaq's ITCH, every order of the whole market: not read here. Make of it"),
        ("01302019.NASDAQ_ITCH50", "x", "is Nasdaq's ITCH"),
        ("A.txt", "\0\x0cS\0\0\0\0", "is Nasdaq's ITCH"),
    ],
)
def test_an_unreadable_file_is_named_with_what_to_do(write: Write, name: str, text: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(write(name, text))
    assert not DayVersion.objects.exists()


def test_a_folders_files_of_other_forms_are_named_with_what_to_do(write: Write) -> None:
    write("B.csv", "time,open,high,low,close\n2025-07-02T13:30:00Z,1,1,1,1\n")
    folder = write("book.xlsx", "x").parent
    write("S013020-v50.txt.gz", "x")
    out = StringIO()
    call_command("import_bars", str(folder), json=True, stdout=out)
    reported = json.loads(out.getvalue())
    assert (reported["datasets"][0]["inserted"], len(reported["skipped"])) == (1, 2)
    said = " ".join(reported["skipped"])
    assert "book.xlsx: is a spreadsheet: save its sheet as CSV." in said and "is Nasdaq's ITCH" in said


def test_one_bad_file_does_not_keep_the_others_out(write: Write) -> None:
    write("A.csv", "time,open,high,low\n1,1,1,1\n")
    good = write("B.csv", "time,open,high,low,close\n2025-07-02T13:30:00Z,1,1,1,1\n")
    with pytest.raises(CommandError, match=r"A\.csv: no column for"):
        run(good.parent)
    assert Bar.objects.get().instrument.symbol == "B"


def test_a_dry_run_reports_the_same_and_writes_nothing(write: Write) -> None:
    report = run(write("AAPL_x.csv", ROWS), dry_run=True)
    assert (report["inserted"], report["rejected"]) == (1, 7)
    assert not Dataset.objects.exists() and not Instrument.objects.exists() and not QuarantinedRow.objects.exists()


def test_unknown_symbols_can_be_refused(write: Write) -> None:
    with pytest.raises(CommandError, match="unknown symbols AAPL: leave out --known-only"):
        run(write("AAPL_x.csv", ROWS), known_only=True)


def test_a_thousand_small_files_and_two_that_share_a_day(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    head = "time,open,high,low,close,volume\n"
    for number in range(1000):
        (folder / f"S{number}_a.csv").write_text(f"{head}2025-07-02T13:30:00Z,10,11,9,10.5,{number}\n")
    (folder / "S7_b.csv").write_text(f"{head}2025-07-02T13:31:00Z,10,11,9,10.5,1\n2025-07-04T13:31:00Z,1,1,1,1,1\n")
    report = run(folder)
    figures = ("files", "rows", "inserted", "unchanged", "rejected", "days", "symbols")
    assert [report[name] for name in figures] == [1001, 1002, 1001, 0, 1, 1001, 1000]
    assert bars_of(DayVersion.objects.get(instrument__symbol="S7", current=True)).offset.tolist() == [0, 60]
    again = run(folder)
    assert [again[name] for name in figures] == [1001, 1002, 0, 1001, 1, 0, 1000]


def listed(*arguments: str) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("quarantine", *arguments, "--json", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_quarantine_lists_file_line_reason_and_the_row_as_it_stands(write: Write) -> None:
    path = write("AAPL_x.csv", ROWS)
    run(path)
    first = listed("--limit", "1")[0]
    assert first == {
        **{"dataset": "feed", "file": str(path), "line": 3, "symbol": "AAPL", "reason": "high is below open or close"},
        "raw": "2025-07-02T13:31:00Z,10,9,9,10.5,100",
    }
    assert len(listed("--symbol", "aapl")) == 7 and listed("--dataset", "other") == []
    out = StringIO()
    call_command("quarantine", stdout=out)
    assert "1  volume is negative" in out.getvalue()


def test_a_corrected_file_leaves_quarantine_and_the_others_stay(write: Write) -> None:
    run(write("AAPL_x.csv", ROWS))
    run(write("MSFT_x.csv", ROWS))
    report = run(write("AAPL_x.csv", ROWS.replace("abc", "10.5")))
    assert (report["inserted"], report["unchanged"], report["rejected"]) == (1, 1, 6)
    assert len(listed("--symbol", "AAPL")) == 6 and len(listed("--symbol", "MSFT")) == 7


def test_filled_and_proven_minutes_stay_so_when_a_file_completes_their_day(write: Write) -> None:
    head, line = ROWS.splitlines()[:2]
    run(write("AAPL_a.csv", f"{head}\n{line}\n"))
    DayVersion.objects.update(ledger="TNFAM" + "A" * 385)
    run(write("AAPL_b.csv", f"{head}\n2025-07-02T13:33:00Z,10,11,9,10.5,100\n"))
    assert DayVersion.objects.get(current=True).ledger == "TNFTM" + "A" * 385


KILLED_AT = """
import os, signal, sys
import django
django.setup()
from django.core.management import call_command
from marketdata.importing.writing import day_writer as writing
write, chunks = writing._write_chunk, []
def write_and_die(*arguments):
    changes = write(*arguments)
    chunks.append(1)
    if len(chunks) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return changes
writing.CHUNK = 3
writing._write_chunk = write_and_die
call_command("import_bars", sys.argv[1], verbosity=0)
"""


@pytest.mark.django_db(transaction=True)
def test_an_import_that_was_killed_half_way_is_simply_run_again(sample: Path) -> None:
    feed = sample / "bars" / "google_2016"
    environment = {**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "-c", KILLED_AT, str(feed)]
    killed = subprocess.run(command, env=environment, cwd=Path(__file__).resolve().parents[2], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert DayVersion.objects.count() == 9  # three whole chunks; the fourth went with its transaction
    report = run(feed)
    assert (report["inserted"], report["unchanged"], report["days"]) == (8580 - 9 * 390, 9 * 390, 22 - 9)
    assert set(DayVersion.objects.values_list("version", flat=True)) == {1}
