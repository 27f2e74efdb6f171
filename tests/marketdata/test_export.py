"""What is exported comes back as it was, and derived bars are those of the store's own minutes."""

from __future__ import annotations

import datetime as dt
import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from marketdata.models import DayVersion
from tests.streaming.rows import DAY, a_dataset, a_day, bars_of

pytestmark = pytest.mark.django_db
HALF_DAY = {"start": "2025-07-02", "end": "2025-07-03"}


@pytest.fixture
def imported(market_data: Path) -> None:
    call_command("import_bars", str(market_data / "bars" / "exthours_2025"), verbosity=0)


def export(*symbols: str, **options: Any) -> str:
    out = StringIO()
    arguments = [f"--{name}={value}" for name, value in options.items() if value is not True]
    flags = [f"--{name}" for name, value in options.items() if value is True]
    call_command("export_bars", *symbols, *arguments, *flags, stdout=out, stderr=StringIO())
    return out.getvalue()


def contents(dataset: str) -> set[tuple[str, str, str, str]]:
    days = DayVersion.objects.current().filter(dataset__name=dataset, interval="1m")
    rows = days.values_list("instrument__symbol", "date", "scope", "content_hash")
    return {(symbol, str(date), scope, content) for symbol, date, scope, content in rows}


@pytest.mark.parametrize("form", ["all.csv", "all.csv.gz", "all.parquet", "folder"])
def test_a_round_trip_gives_every_day_back_with_its_content(
    imported: None, market_data: Path, tmp_path: Path, form: str
) -> None:
    to = tmp_path / "again" / form
    to.parent.mkdir()
    report = json.loads(export(dataset="exthours_2025", extended=True, to=str(to), json=True))
    files = {path.name.split("_")[0]: path for path in (market_data / "bars" / "exthours_2025").iterdir()}
    assert report["bars"] == {symbol: len(pd.read_csv(path)) for symbol, path in files.items()}
    call_command("import_bars", str(to), dataset="copy", verbosity=0)
    assert contents("copy") == contents("exthours_2025")


def test_vwaps_and_trade_counts_come_back_too(market_data: Path, tmp_path: Path) -> None:
    there_and_back(market_data / "bars" / "spy_vwap_2024", tmp_path)


def test_null_volumes_come_back_too(market_data: Path, tmp_path: Path) -> None:
    there_and_back(market_data / "universe" / "sp500_2026_novolume" / "2026-01-16_1min.parquet", tmp_path)


def there_and_back(source: Path, tmp_path: Path) -> None:
    call_command("import_bars", str(source), dataset="source", verbosity=0)
    export(dataset="source", extended=True, to=str(tmp_path / "all.csv"))
    call_command("import_bars", str(tmp_path / "all.csv"), dataset="copy", verbosity=0)
    assert contents("copy") == contents("source")


def test_standard_output_has_the_days_that_were_asked_for(imported: None) -> None:
    rows = pd.read_csv(StringIO(export("AAPL", "IBM", **HALF_DAY)))
    assert rows.groupby("symbol").size().to_dict() == {"AAPL": 390 + 210, "IBM": 387 + 210}
    assert (rows.timestamp.iloc[0], rows.timestamp.iloc[599]) == ("2025-07-02T13:30:00Z", "2025-07-03T16:59:00Z")


def test_derived_bars_say_how_many_minutes_they_have(imported: None) -> None:
    rows = pd.read_csv(StringIO(export("IBM", interval="1h", **HALF_DAY)))
    assert len(rows) == 7 + 4
    assert rows.n_expected.tolist() == [60] * 6 + [30] + [60] * 3 + [30]
    assert rows.n_present.sum() == 387 + 210


def test_fractions_of_volumes_come_back_and_whole_ones_have_no_decimal_point(tmp_path: Path) -> None:
    volume = np.arange(390.0)
    volume[1:4] = [0.25, 1234.5, np.nan]
    a_day(bars=bars_of(DAY, volume=volume))
    lines = export("AAPL").splitlines()
    place = lines[0].split(",").index("volume")
    assert [line.split(",")[place] for line in lines[1:6]] == ["0", "0.25", "1234.5", "", "4"]
    to = tmp_path / "all.parquet"
    export("AAPL", to=str(to))
    np.testing.assert_array_equal(pd.read_parquet(to).volume, volume)


def test_nothing_is_overwritten_unasked_and_no_half_file_stays(imported: None, tmp_path: Path) -> None:
    to = tmp_path / "a.csv"
    export("IBM", to=str(to))
    with pytest.raises(CommandError, match="is there already: pass --overwrite"):
        export("IBM", to=str(to))
    export("AAPL", to=str(to), overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert "AAPL" in to.read_text() and "IBM" not in to.read_text()


@pytest.mark.parametrize(
    ("symbols", "options", "message"),
    [
        ([], {}, "Name symbols or a --dataset: there are exthours_2025"),
        (["AAPL"], {"dataset": "nowhere"}, "no dataset 'nowhere': there are exthours_2025"),
        (["GME"], {}, "No dataset has all of GME"),
        (["AAPL"], {"start": "2030-01-02"}, "has no such bars of AAPL"),
        (["AAPL"], {"start": "2025-07-03", "end": "2025-07-02"}, "--end 2025-07-02 is before --start"),
        (["AAPL"], {"interval": "5m", "extended": True}, "has minutes only, not 5m"),
        (["AAPL"], {"to": "bars.xls", "interval": "x"}, "'x' is not an interval"),
    ],
)
def test_what_cannot_be_exported_says_why(
    imported: None, symbols: list[str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        export(*symbols, **options)


def test_the_dataset_is_one_that_has_the_days_asked_for() -> None:
    later = dt.date(2025, 7, 2)
    for date in (DAY, DAY + dt.timedelta(days=1)):
        a_day("AAPL", date, dataset=a_dataset("longer"))
    a_day("AAPL", later, dataset=a_dataset("later"))
    assert export("AAPL", start=str(later)).startswith("symbol,")
    with pytest.raises(CommandError, match="has no such bars of AAPL"):
        export("AAPL", start="2025-07-03")
