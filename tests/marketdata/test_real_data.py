"""All real data imported: known oddities are found without help, counts agree with those made elsewhere."""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import DjangoDbBlocker

from marketdata.models import Dataset, DayVersion, Import, Instrument

Imported = dict[str, Any]


def status(*arguments: str) -> Imported:
    out = StringIO()
    call_command("data_status", *arguments, "--json", stdout=out)
    return {reported["dataset"]: reported for reported in json.loads(out.getvalue())["datasets"]}


@pytest.fixture(scope="module")
def imported(shared_data: Path, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Imported]:
    """Everything under shared/data in one go, as a person would; and what the import said."""
    out = StringIO()
    with django_db_blocker.unblock():
        call_command("import_bars", str(shared_data), "--json", stdout=out)
        yield json.loads(out.getvalue())
        Import.objects.all().delete()
        DayVersion.objects.all().delete()
        Dataset.objects.all().delete()
        Instrument.objects.all().delete()


pytestmark = pytest.mark.django_db


def texts(dataset: str, kind: str) -> list[str]:
    return [note["text"] for note in status()[dataset]["notes"] if note["kind"] == kind]


def test_everything_is_imported_and_what_is_no_minute_bars_is_reported(imported: Imported) -> None:
    assert imported["errors"] == []
    assert sum(report["rejected"] for report in imported["datasets"]) == 0
    passed_over = " ".join(imported["skipped"])
    for path in ("quotebars/lean", "trades/nxcore", "quotes/lean", "lean-raw/equity/usa/second", "COVERAGE.csv.gz"):
        assert path in passed_over


def test_every_symbols_minutes_agree_with_the_manifest(imported: Imported, shared_data: Path) -> None:
    with gzip.open(shared_data / "COVERAGE.csv.gz", "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["path"].startswith(("bars/", "universe/"))]
    names = ("expected", "T", "outside_session", "zero_volume", "null_volume")
    columns = ("rth_expected", "rth_present", "outside_rth_rows", "zero_volume_rows", "null_volume_rows")
    wanted: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(names, 0))
    for row in rows:
        total = wanted[row["path"].split("/")[1], row["symbol"]]
        for name, column in zip(names, columns, strict=True):
            total[name] += int(row[column])
    found = {}
    for dataset in {name for name, _ in wanted}:
        for symbol in status("--dataset", dataset)[dataset]["symbols"]:
            held = {name: symbol.get(name) for name in names} | {"T": symbol["letters"]["T"]}
            found[dataset, symbol["symbol"]] = held
    assert found == wanted


def test_the_longest_gap_of_each_symbol_agrees_too(imported: Imported, shared_data: Path) -> None:
    with gzip.open(shared_data / "COVERAGE.csv.gz", "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["path"].startswith("bars/sparse_etf")]
    wanted: dict[str, int] = defaultdict(int)
    for row in rows:
        wanted[row["symbol"]] = max(wanted[row["symbol"]], int(row["longest_gap_min"]))
    symbols = status("--dataset", "sparse_etf")["sparse_etf"]["symbols"]
    assert {symbol["symbol"]: symbol["longest_gap"] for symbol in symbols} == wanted


def test_half_days_are_found_and_holidays_and_clock_changes_lack_nothing(imported: Imported) -> None:
    assert texts("exthours_2025", "half day") == ["2025-07-03 is a half day: 210 minutes."]
    assert texts("sparse_etf", "half day") == ["2023-11-24 is a half day: 210 minutes."]
    reported = status()
    for dataset in ("spy_2024", "spy_vwap_2024", "ninjatrader_2011", "aapl_2024", "google_2016"):
        assert (reported[dataset]["quality"], texts(dataset, "missing day")) == (1.0, [])


def test_prints_after_an_early_close_are_found_and_how_wild_they_are(imported: Imported) -> None:
    reported = texts("exthours_2025", "after early close")
    assert [text.split(" bars")[0] for text in reported] == [
        "2025-07-03 AAPL: 240",
        "2025-07-03 IBM: 150",
        "2025-07-03 MSFT: 240",
    ]
    assert "up to 5.9% away from it" in reported[0]


def test_null_volumes_an_index_and_volumes_of_zero_are_found(imported: Imported) -> None:
    assert texts("sp500_2026_novolume", "null volume") == [
        "No volume in any bar of A, AAPL, ABBV, ABNB, ABT, ACGL and 522 more."
    ]
    assert texts("alphavantage_2019", "zero volume")[0] == "Volume 0 in every bar of VIX: an index?"
    assert status()["tech100_2026"]["zero_volume"] == 7


def test_thin_funds_are_thin_and_no_hole_of_the_feed(imported: Imported) -> None:
    assert texts("sparse_etf", "thin") == [
        "DBB has a bar in 22.1% of its minutes.",
        "FXY has a bar in 26.8% of its minutes.",
    ]
    assert all(texts(dataset, "feed hole") == [] for dataset in ("sparse_etf", "us284_2018"))


def test_a_minute_that_many_busy_symbols_lack_is_a_hole_of_the_feed(imported: Imported) -> None:
    (found,) = texts("tech100_2026", "feed hole")
    assert found.startswith("2026-03-11 10:40 New York: 20 of 100 symbols lack it together: AAPL, ADI, BILI, CFLT,")


def test_rows_outside_the_session_and_the_missing_minutes_of_the_worst_day_are_found(imported: Imported) -> None:
    assert texts("spy_2020", "outside session") == ["4 bars outside the regular session of SPY."]
    assert texts("us284_2018", "missing minutes")[0].endswith("most on 2018-02-23: UHS 134.")


def test_an_unadjusted_split_is_seen_in_the_prices(imported: Imported) -> None:
    for dataset in ("lean", "lean-raw"):
        assert texts(dataset, "price step") == [
            "AAPL goes from 645.57 (2014-06-06) to 92.69 (2014-06-09): a split of 7 to 1?"
        ]


def test_leans_zips_hold_the_same_days_as_the_rows_made_from_them(imported: Imported) -> None:
    def contents(dataset: str) -> dict[tuple[str, str, str], str]:
        days = DayVersion.objects.filter(dataset__name=dataset)
        rows = days.values_list("instrument__symbol", "date", "scope", "content_hash")
        return {(symbol, str(date), scope): content for symbol, date, scope, content in rows}

    made, raw = contents("lean"), contents("lean-raw")
    assert {key: raw[key] for key in made} == made
    assert {key[:2] for key in raw.keys() - made.keys()} == {("TWX", "2014-06-23")}
