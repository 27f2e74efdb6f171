"""Files that real people had: each is read as its case says, or refused with what to pass."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.days.splitting import split
from marketdata.importing.tables.bar_reading import read
from marketdata.importing.tables.tick_reading import read_ticks

NEW_YORK = "America/New_York"


class Read(NamedTuple):
    file: str
    options: dict[str, Any]
    symbols: dict[str, int]
    """Symbol → its bars in the regular session."""


READ = {
    "Polygon, fractional volume": Read("a01-fractional-volume/in/flat/2026-03-03.csv.gz", {}, {"ALFA": 30, "BETA": 30}),
    "REST answer, fractional volume": Read("a01-fractional-volume/in/rest/ALFA.json", {}, {"ALFA": 4}),
    "tickers that differ in case": Read("a02-ticker-case/in/2026-03-03.csv.gz", {}, {"AMPB": 10, "AMpB": 12}),
    "a head line in the middle": Read("a04-stray-lines-epoch/in/ALFA_cat.csv", {}, {"ALFA": 10}),
    "a total line": Read("a04-stray-lines-epoch/in/BETA_total.csv", {}, {"BETA": 5}),
    "a line that was cut off": Read("a04-stray-lines-epoch/in/GAMA_cut.csv", {}, {"GAMA": 5}),
    "Alpha Vantage": Read(
        "a07-symbol-in-file-name/in/alphavantage/intraday_1min_ALFA.csv", {"tz": NEW_YORK}, {"ALFA": 5}
    ),
    "a class of shares in the name": Read("a07-symbol-in-file-name/in/classes/BRK.B.csv", {}, {"BRK.B": 5}),
    "TradingView, BATS": Read("a07-symbol-in-file-name/in/tv/BATS_ALFA, 1_713e6.csv", {}, {"ALFA": 5}),
    "TradingView, NASDAQ_DLY": Read("a07-symbol-in-file-name/in/tv/NASDAQ_DLY_BETA, 1.csv", {}, {"BETA": 5}),
    "TWS, the zone as third word": Read("a09-ibkr-stamps/in/ALFA_tws.csv", {}, {"ALFA": 5}),
    "TWS, UTC with a dash": Read("a09-ibkr-stamps/in/BETA_utcdash.csv", {}, {"BETA": 5}),
    "Databento, fixed point": Read("a11-databento/in/raw_fixed_point.csv", {}, {"BETA": 5}),
    "decimal commas, American": Read("a12-decimal-comma/in/BETA_us.csv", {}, {"BETA": 5}),
    "CR line ends": Read("a14-cr-line-ends/in/ALFA_mac.csv", {}, {"ALFA": 8}),
    "float noise of an adjustment": Read("a15-adjusted-float-noise/in/ALFA_adjusted.csv", {}, {"ALFA": 20}),
    "hive partitions": Read("a20-hive-parquet/in/symbol=ALFA/date=2025-07-02/part-0.parquet", {}, {"ALFA": 5}),
}


@pytest.mark.parametrize("name", READ)
def test_a_case_is_read_as_it_says(cases: Path, name: str) -> None:
    case = READ[name]
    parts = split(read(cases / case.file, FileForm(**case.options)))
    found: dict[str, int] = {}
    for day in parts.days:
        found[day.symbol] = found.get(day.symbol, 0) + len(day.bars)
    assert found == case.symbols


REFUSED = {
    "Alpha Vantage without a zone": ("a07-symbol-in-file-name/in/alphavantage/intraday_1min_ALFA.csv", "pass --tz"),
    "old TWS without a zone": ("a09-ibkr-stamps/in/GAMA_oldtws.csv", "pass --tz"),
    "MetaTrader 5 without a zone": ("a10-mt5/in/ALFA_M1_202503070930_202503101559.csv", r"America/New_York\+07:00"),
    "two venues of one minute": ("a11-databento/in/two_venues_pretty.csv", "--only publisher_id=2"),
    "a date of either order": ("a12-decimal-comma/in/ALFA_eu.csv", "pass --date-order mdy or dmy"),
    "NinjaTrader without a zone": ("b04-end-stamped/in/ALFA.Last.txt", "pass --tz"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_doubt_is_refused_with_what_to_pass(cases: Path, name: str) -> None:
    file, advice = REFUSED[name]
    with pytest.raises(UnreadableFile, match=advice):
        read(cases / file, FileForm())


def test_a_repair_of_float_noise_is_counted(cases: Path) -> None:
    parts = split(read(cases / READ["float noise of an adjustment"].file, FileForm()))
    assert (parts.repaired, parts.rejected) == (7, [])


def test_stray_lines_are_rejected_with_their_line(cases: Path) -> None:
    for name in ("a head line in the middle", "a total line", "a line that was cut off"):
        assert len(split(read(cases / READ[name].file, FileForm())).rejected) == 1, name


@pytest.mark.parametrize(
    ("file", "kind", "rows"),
    [
        pytest.param("a17-alpaca-trades-frame/in/trades.csv", "ticks", 6, id="Alpaca's trades as CSV"),
        pytest.param("a17-alpaca-trades-frame/in/trades.parquet", "ticks", 6, id="as Parquet"),
        pytest.param("a23-one-sided-quotes/in/alpaca_quotes.csv", "quotes", 6, id="one-sided quotes"),
        pytest.param("d05-mixed-folder/in/AAA_trades.csv", "ticks", 1, id="trades of a mixed folder"),
    ],
)
def test_trades_and_quotes_are_read(cases: Path, file: str, kind: str, rows: int) -> None:
    assert len(read_ticks(cases / file, FileForm(), kind).line) == rows


FOLDERS = {
    "trades in three forms": ("a17-alpaca-trades-frame/in", {}, (3, ["ALFA"], 6)),
    "a mixed folder": ("d05-mixed-folder/in", {}, (3, ["AAA"], 391)),
    "TradingView's": ("a07-symbol-in-file-name/in/tv", {}, (2, ["ALFA", "BETA"], 10)),
    "QuantQuote's": ("a07-symbol-in-file-name/in/quantquote", {"tz": NEW_YORK}, (2, ["ALFA", "BETA"], 10)),
    "classes of shares": ("a07-symbol-in-file-name/in/classes", {}, (2, ["BRK.A", "BRK.B"], 10)),
    "partitions": ("a20-hive-parquet/in", {}, (2, ["ALFA", "BETA"], 10)),
    "MetaTrader's": ("a10-mt5/in", {"tz": "America/New_York+07:00"}, (2, ["ALFA", "BETA"], 40)),
    "NinjaTrader's": ("b04-end-stamped/in", {"tz": NEW_YORK}, (1, ["ALFA"], 390)),
    "late opens": ("b01-late-opens/in", {}, (3, ["ALFA"], 806)),
    "one-sided quotes": ("a23-one-sided-quotes/in", {}, (1, ["ALFA"], 5)),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_is_imported_as_its_case_says(cases: Path, name: str) -> None:
    folder, options, (files, symbols, rows) = FOLDERS[name]
    out = StringIO()
    call_command("import_data", str(cases / folder), dataset="case", json=True, stdout=out, **options)
    (report,) = json.loads(out.getvalue())["datasets"]
    assert (report["files"], report["names"], report["inserted"]) == (files, symbols, rows)


def test_thousands_of_a_volume_beside_decimal_commas_are_thousands(cases: Path) -> None:
    form = FileForm(tz="Europe/Berlin", date_order="dmy")
    (day,) = split(read(cases / "a12-decimal-comma/in/ALFA_eu.csv", form)).days
    assert (day.bars.volume[0], day.bars.open[0]) == (12345.0, 50.0)
