"""Two files of one run that say other things of the same minutes are refused together; the same twice is fine."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from marketdata.importing.writing import spool
from marketdata.models import Bar, Dataset, DayVersion, Import, Instrument, Trade

pytestmark = pytest.mark.django_db
HEAD = "time,open,high,low,close,volume\n"
OPEN = 1751463000
"""2025-07-02 09:30 New York."""


def bars(path: Path, price: float, minutes: range = range(3), symbol: str = "") -> Path:
    head, first = (f"symbol,{HEAD}", f"{symbol},") if symbol else (HEAD, "")
    lines = [f"{first}{OPEN + 60 * m},{price},{price + 1},{price - 1},{price},{100 + m}" for m in minutes]
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(head + "\n".join(lines) + "\n")
    return path


def trades(path: Path, price: float, seconds: range) -> Path:
    rows = [f"AAPL,{(OPEN + s) * 10**9 + 7},{price + s},{s}" for s in seconds]
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("symbol,timestamp,price,size\n" + "\n".join(rows) + "\n")
    return path


def run(*arguments: Any, command: str = "import_bars", **options: Any) -> tuple[list[dict[str, Any]], str]:
    """The reports, and why what was refused."""
    out = StringIO()
    try:
        call_command(command, *map(str, arguments), json=True, stdout=out, **options)
        failed = ""
    except CommandError as error:
        failed = str(error)
    return json.loads(out.getvalue())["datasets"], failed


def test_two_charts_that_were_taken_for_one_symbol_are_refused_together(tmp_path: Path) -> None:
    one = bars(tmp_path / "mine" / "AAPL_BATS 1.csv", 100)
    other = bars(tmp_path / "mine" / "AAPL_chart.csv", 200)
    reports, failed = run(tmp_path / "mine")
    assert reports == []
    assert f"{one} and {other} both have AAPL at 2025-07-02 09:30 America/New_York" in failed
    assert "100/101/99/100, volume 100; 200/201/199/200, volume 100" in failed and "--symbol" in failed
    assert not any(model.objects.exists() for model in (Dataset, Instrument, DayVersion, Import))


def test_the_others_of_the_run_are_imported(tmp_path: Path) -> None:
    bars(tmp_path / "mine" / "AAPL_1.csv", 100)
    bars(tmp_path / "mine" / "AAPL_2.csv", 100)
    bars(tmp_path / "mine" / "AAPL_3.csv", 150)
    bars(tmp_path / "mine" / "IBM_1.csv", 70)
    (report,), failed = run(tmp_path / "mine")
    assert (report["names"], report["inserted"], report["files"]) == (["IBM"], 3, 1)
    assert failed.count("neither is imported") == 2  # the third beside the first, and beside the second


def test_the_same_values_twice_and_parts_of_a_day_are_fine(tmp_path: Path) -> None:
    bars(tmp_path / "mine" / "AAPL_1.csv", 100, range(5))
    bars(tmp_path / "mine" / "AAPL_2.csv", 100.0001, range(3, 8))
    bars(tmp_path / "mine" / "AAPL_3.csv", 300, range(20, 25))
    (report,), failed = run(tmp_path / "mine")
    assert (failed, report["files"], Bar.objects.count()) == ("", 3, 13)


def test_other_volumes_of_a_minute_are_other_values(tmp_path: Path) -> None:
    path = bars(tmp_path / "mine" / "AAPL_1.csv", 100)
    (tmp_path / "mine" / "AAPL_2.csv").write_text(path.read_text().replace(",101\n", ",7\n"))
    reports, failed = run(tmp_path / "mine")
    assert reports == [] and "09:31" in failed


def test_a_symbol_column_and_a_file_name_meet(tmp_path: Path) -> None:
    bars(tmp_path / "mine" / "AAPL_1.csv", 100)
    bars(tmp_path / "mine" / "all.csv", 120, symbol="AAPL")
    reports, failed = run(tmp_path / "mine")
    assert reports == [] and "both have AAPL" in failed


def test_trades_of_a_mixed_folder_are_compared_with_trades(tmp_path: Path) -> None:
    bars(tmp_path / "mine" / "AAPL_1.csv", 100)
    trades(tmp_path / "mine" / "x_a.csv", 100, range(0, 30))
    trades(tmp_path / "mine" / "x_b.csv", 200, range(10, 40))
    (report,), failed = run(tmp_path / "mine", command="import_data")
    assert (report["names"], report["files"]) == (["AAPL"], 1) and not Trade.objects.exists()
    assert "x_a.csv" in failed and "x_b.csv" in failed
    assert "AAPL at 2025-07-02 09:30 America/New_York" in failed and "price 111 size 11; price 211 size 11" in failed


def test_trades_that_meet_at_a_stamp_or_are_the_same_are_fine(tmp_path: Path) -> None:
    trades(tmp_path / "mine" / "x_a.csv", 100, range(0, 30))
    trades(tmp_path / "mine" / "x_b.csv", 100, range(20, 40))
    trades(tmp_path / "mine" / "x_c.csv", 300, range(39, 60))
    (report,), failed = run(tmp_path / "mine", command="import_trades")
    assert (failed, report["files"]) == ("", 3)


def test_one_export_as_csv_and_as_parquet_says_the_same(tmp_path: Path) -> None:
    conditions = [[" ", "I"], ["@", " ", "T"], ["@"], [" "]]
    stamps = pd.to_datetime([(OPEN + n) * 10**9 + n for n in range(4)], utc=True)
    rows = pd.DataFrame({"symbol": "AAPL", "timestamp": stamps, "price": 50.0, "size": 1.0, "conditions": conditions})
    (tmp_path / "mine").mkdir()
    rows.to_csv(tmp_path / "mine" / "x_a.csv", index=False)
    rows.to_parquet(tmp_path / "mine" / "x_b.parquet", index=False)
    (report,), failed = run(tmp_path / "mine", command="import_trades")
    assert (failed, report["inserted"], report["unchanged"]) == ("", 4, 4)
    assert list(Trade.objects.order_by("at_ns").values_list("condition", flat=True)) == ["I", "@ T", "@", None]


def test_a_dry_run_says_the_same(tmp_path: Path) -> None:
    bars(tmp_path / "mine" / "AAPL_1.csv", 100)
    bars(tmp_path / "mine" / "AAPL_2.csv", 101)
    bars(tmp_path / "mine" / "IBM_1.csv", 101)
    reports, failed = run(tmp_path / "mine", dry_run=True)
    assert [report["names"] for report in reports] == [["IBM"]] and "neither is imported" in failed


def test_files_that_do_not_fit_into_memory_are_compared_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "IN_MEMORY_BYTES", 1_000)
    for number in range(30):
        bars(tmp_path / "mine" / f"S{number}_a.csv", 100 + number)
    bars(tmp_path / "mine" / "S7_b.csv", 100)
    (report,), failed = run(tmp_path / "mine")
    assert (report["symbols"], report["inserted"]) == (29, 87) and failed.count("both have S7") == 1


def test_two_datasets_of_one_run_do_not_meet(tmp_path: Path) -> None:
    bars(tmp_path / "one" / "AAPL_1.csv", 100)
    bars(tmp_path / "two" / "AAPL_1.csv", 200)
    reports, failed = run(tmp_path / "one", tmp_path / "two")
    assert (len(reports), failed) == (2, "")
