"""A folder of files as a provider: real files where they are, and the ways in which a folder can be wrong."""

from __future__ import annotations

import datetime as dt
import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from marketdata.calendar import trading_day
from marketdata.errors import MarketDataError, NoData, ProviderFailed, UnknownSymbol
from marketdata.models import DayVersion, QuarantinedRow
from marketdata.providers.base import NoDataExists, Rows, provider_dataset
from marketdata.providers.fetching import fetch_days, fetch_together
from marketdata.providers.files import FilesProvider

HALF = trading_day(dt.date(2025, 7, 3))
MONDAY = trading_day(dt.date(2025, 7, 7))


def minutes(day: dt.date, *, first: str = "09:30", n: int = 390, zone: str = "America/New_York") -> pd.DatetimeIndex:
    return pd.date_range(f"{day} {first}", periods=n, freq="min", tz=zone).tz_convert("UTC")


def a_file(path: Path, stamps: pd.DatetimeIndex, **columns: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    prices = {"open": 10.0, "high": 11.0, "low": 9.0, "close": 10.5, "volume": 100}
    table = pd.DataFrame({"timestamp": stamps.strftime("%Y-%m-%dT%H:%M:%SZ"), **prices, **columns})
    table.to_parquet(path) if path.suffix == ".parquet" else table.to_csv(path, index=False)
    return path


def ask(root: Path, symbol: str = "AAPL", first: dt.date = MONDAY.date, last: dt.date | None = None) -> object:
    start, end = trading_day(first), trading_day(last or first)
    return FilesProvider("files", root=str(root)).fetch_bars(symbol, start.open, end.close)


def rows(answer: object) -> Rows:
    assert isinstance(answer, Rows), answer
    return answer


def test_a_real_half_day_is_its_210_minutes_and_not_the_prints_after_one_o_clock(market_data: Path) -> None:
    folder = market_data / "bars" / "exthours_2025"
    answer = rows(ask(folder, "AAPL", HALF.date))
    table = pd.read_csv(folder / "AAPL_2025-06-24_2025-07-11_1min.csv.gz")
    at = pd.to_datetime(table.timestamp, utc=True)
    source = table[(at >= HALF.open) & (at < HALF.close)]
    assert len(source) == 210
    assert answer.bars.close.tolist() == source.close.tolist()
    assert answer.stamps.tolist() == at[source.index].dt.as_unit("s").astype("int64").tolist()


def test_a_wide_file_has_every_symbol_of_its_day(market_data: Path) -> None:
    folder = market_data / "universe" / "us284_2018"
    day = dt.date(2018, 2, 23)
    answer = rows(ask(folder, "UHS", day))
    assert len(answer.stamps) == 390 - 134, "its README says that 134 minutes of UHS are missing"
    assert isinstance(ask(folder, "ZZZZ", day), NoDataExists)


@pytest.mark.parametrize(
    "place",
    [
        "AAPL.csv",
        "AAPL_2025-07-01_2025-07-31_1min.csv",
        "AAPL/2025-07-07.csv",
        "AAPL/20250707.parquet",
        "2025/07/AAPL_2025-07-07.parquet",
    ],
)
def test_a_symbols_file_is_found_by_its_name_or_its_folders(tmp_path: Path, place: str) -> None:
    a_file(tmp_path / place, minutes(MONDAY.date))
    assert len(rows(ask(tmp_path)).stamps) == 390
    with pytest.raises(UnknownSymbol, match="is of MSFT"):
        ask(tmp_path, "MSFT")


def test_days_in_several_files_come_in_one_answer(tmp_path: Path) -> None:
    a_file(tmp_path / "AAPL" / "2025-07-03.csv", minutes(HALF.date, n=210))
    a_file(tmp_path / "AAPL" / "2025-07-07.csv", minutes(MONDAY.date))
    answer = rows(ask(tmp_path, first=HALF.date, last=MONDAY.date))
    assert len(answer.stamps) == 600
    assert (np.diff(answer.stamps) > 0).all()


@pytest.mark.parametrize(
    ("place", "symbol"),
    [
        ("BATS_AAPL, 1.csv", "AAPL"),
        ("BRK-B_2025.csv", "BRK.B"),
        ("BRK.B_2025-07-07.csv", "BRK.B"),
        ("table_aapl.csv", "AAPL"),
        ("symbol=AAPL/date=2025-07-07/part-0.parquet", "AAPL"),
        ("AMpB.csv", "AM.PRB"),
    ],
)
def test_names_are_read_as_an_import_reads_them(tmp_path: Path, place: str, symbol: str) -> None:
    a_file(tmp_path / place, minutes(MONDAY.date))
    assert len(rows(ask(tmp_path, symbol)).stamps) == 390


@pytest.mark.parametrize("first_minute", ["09:30", "12:00"])
def test_two_files_that_say_other_things_of_a_minute_are_refused_together(tmp_path: Path, first_minute: str) -> None:
    """As an import refuses them; whether they have all minutes in common or some."""
    a_file(tmp_path / "BATS_AAPL, 1.csv", minutes(MONDAY.date))
    other = minutes(MONDAY.date, first=first_minute, n=200)
    a_file(tmp_path / "BATS_AAPL, 1 (1).csv", other, open=20.0, high=21.0, low=19.0, close=20.5)
    with pytest.raises(ProviderFailed, match=r"AAPL, 1 \(1\)\.csv and .*do not say the same of AAPL on 2025-07-07"):
        ask(tmp_path)


def test_a_minute_that_two_files_have_alike_comes_once(tmp_path: Path) -> None:
    a_file(tmp_path / "AAPL_morning.csv", minutes(MONDAY.date, n=200))
    a_file(tmp_path / "AAPL_afternoon.csv", minutes(MONDAY.date, first="12:00", n=240))
    assert len(rows(ask(tmp_path)).stamps) == 390


def test_a_folder_that_says_another_symbol_than_the_rows_is_a_failure(tmp_path: Path) -> None:
    a_file(tmp_path / "symbol=AAPL" / "part-0.parquet", minutes(MONDAY.date), symbol="MSFT")
    with pytest.raises(ProviderFailed, match="its rows are of MSFT, its folder says AAPL"):
        ask(tmp_path)


def test_a_day_without_a_file_does_not_exist_there(tmp_path: Path) -> None:
    a_file(tmp_path / "AAPL" / "2025-07-03.csv", minutes(HALF.date, n=210))
    assert isinstance(ask(tmp_path), NoDataExists)


def test_a_file_that_was_written_again_is_read_again(tmp_path: Path) -> None:
    provider = FilesProvider("files", root=str(tmp_path))
    path = a_file(tmp_path / "AAPL.csv", minutes(MONDAY.date, n=100))
    assert len(rows(provider.fetch_bars("AAPL", MONDAY.open, MONDAY.close)).stamps) == 100
    a_file(path, minutes(MONDAY.date))
    assert len(rows(provider.fetch_bars("AAPL", MONDAY.open, MONDAY.close)).stamps) == 390


def test_stamps_at_the_bars_end_are_moved_to_its_start(tmp_path: Path) -> None:
    a_file(tmp_path / "AAPL.csv", minutes(MONDAY.date, first="09:31"))
    provider = FilesProvider("files", root=str(tmp_path), label="end")
    stamps = rows(provider.fetch_bars("AAPL", MONDAY.open, MONDAY.close)).stamps
    assert (stamps[0], stamps[-1]) == (MONDAY.open.timestamp(), MONDAY.close.timestamp() - 60)


def test_a_truncated_file_is_a_failure_and_never_no_data(tmp_path: Path) -> None:
    path = a_file(tmp_path / "AAPL.csv", minutes(MONDAY.date))
    whole = gzip.compress(path.read_bytes())
    path.unlink()
    (tmp_path / "AAPL.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ProviderFailed, match=r"AAPL\.csv\.gz: cannot be read"):
        ask(tmp_path)


def test_an_empty_or_missing_root_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ProviderFailed, match=r"No \.csv"):
        ask(tmp_path)
    with pytest.raises(MarketDataError, match="its root /nowhere is no folder"):
        FilesProvider("files", root="/nowhere")


@pytest.mark.django_db
def test_a_broken_row_is_quarantined_with_its_line_and_the_rest_is_kept(tmp_path: Path) -> None:
    high = [11.0] * 390
    high[2] = 1.0
    path = a_file(tmp_path / "AAPL.csv", minutes(MONDAY.date), high=high)
    provider = FilesProvider("files", root=str(tmp_path), dataset="mine")
    assert fetch_days(provider_dataset(provider), provider, "AAPL", [MONDAY]) == {MONDAY.date: None}
    assert DayVersion.objects.get().row_count == 389
    row = QuarantinedRow.objects.get()
    assert (row.file, row.line, row.symbol, row.reason) == (str(path), 4, "AAPL", "high is below open or close")
    assert row.dataset.name == "mine"


def test_many_symbols_get_each_what_they_would_get_alone(tmp_path: Path) -> None:
    a_file(tmp_path / "AAPL.csv", minutes(MONDAY.date))
    a_file(tmp_path / "IBM" / "2025-07-03.csv", minutes(HALF.date, n=210))
    day = pd.concat(
        [pd.read_csv(a_file(tmp_path / "x.csv", minutes(MONDAY.date, n=9))).assign(symbol=name) for name in "TV"]
    )
    (tmp_path / "x.csv").rename(tmp_path / "2025-07-07_1min.csv")
    day.to_csv(tmp_path / "2025-07-07_1min.csv", index=False)
    provider = FilesProvider("files", root=str(tmp_path))
    reported = provider.fetch_many(["AAPL", "IBM", "T", "V", "MSFT"], MONDAY.open, MONDAY.close)
    assert {name: len(rows(reported[name]).stamps) for name in ("AAPL", "T", "V")} == {"AAPL": 390, "T": 9, "V": 9}
    assert [type(reported[name]) for name in ("IBM", "MSFT")] == [NoDataExists, NoDataExists]


def test_in_a_question_about_many_only_those_fail_whose_files_do(tmp_path: Path) -> None:
    a_file(tmp_path / "AAPL.csv", minutes(MONDAY.date))
    (tmp_path / "IBM.csv.gz").write_bytes(b"no gzip")
    provider = FilesProvider("files", root=str(tmp_path))
    reported = provider.fetch_many(["AAPL", "IBM", "MSFT"], MONDAY.open, MONDAY.close)
    assert len(rows(reported["AAPL"]).stamps) == 390
    assert isinstance(reported["IBM"], ProviderFailed) and "IBM.csv.gz: cannot be read" in str(reported["IBM"])
    assert isinstance(reported["MSFT"], UnknownSymbol)


@pytest.mark.django_db
def test_what_files_say_of_many_is_kept_symbol_by_symbol(tmp_path: Path) -> None:
    a_file(tmp_path / "AAPL.csv", minutes(MONDAY.date))
    (tmp_path / "IBM.csv.gz").write_bytes(b"no gzip")
    a_file(tmp_path / "MSFT" / "2025-07-03.csv", minutes(HALF.date, n=210))
    provider = FilesProvider("files", root=str(tmp_path))
    reported = fetch_together(provider_dataset(provider), provider, ["AAPL", "IBM", "MSFT", "SPY"], [HALF, MONDAY])
    assert {name: _kinds(outcome) for name, outcome in reported.items()} == {
        "AAPL": [NoData, type(None)],
        "IBM": [ProviderFailed, ProviderFailed],
        "MSFT": [type(None), NoData],
        "SPY": UnknownSymbol,
    }
    assert sorted(DayVersion.objects.values_list("instrument__symbol", "row_count")) == [("AAPL", 390), ("MSFT", 210)]


def _kinds(outcome: object) -> object:
    return [type(problem) for problem in outcome.values()] if isinstance(outcome, dict) else type(outcome)


@pytest.mark.django_db
def test_bars_that_are_all_broken_are_kept_in_quarantine(tmp_path: Path) -> None:
    a_file(tmp_path / "AAPL.csv", minutes(MONDAY.date, n=2), high=1.0)
    provider = FilesProvider("files", root=str(tmp_path))
    (problem,) = fetch_days(provider_dataset(provider), provider, "AAPL", [MONDAY]).values()
    assert isinstance(problem, NoData)
    assert QuarantinedRow.objects.count() == 2


def test_a_symbols_own_files_are_asked_for_many_days_and_shared_ones_for_so_many_as_are_kept(tmp_path: Path) -> None:
    a_file(tmp_path / "AAPL.csv", minutes(MONDAY.date))
    provider = FilesProvider("files", root=str(tmp_path))
    assert provider.days_per_question == 400
    a_file(tmp_path / "2025-07-07_1min.parquet", minutes(MONDAY.date), symbol="IBM")
    assert provider.days_per_question == 8


@pytest.mark.django_db
def test_of_days_asked_for_together_those_the_store_got_meanwhile_are_left_alone(tmp_path: Path) -> None:
    for name in ("AAPL", "IBM"):
        a_file(tmp_path / name / "2025-07-03.csv", minutes(HALF.date, n=210))
        a_file(tmp_path / name / "2025-07-07.csv", minutes(MONDAY.date))
    provider = FilesProvider("files", root=str(tmp_path))
    dataset = provider_dataset(provider)
    fetch_days(dataset, provider, "AAPL", [HALF])
    reported = fetch_together(dataset, provider, ["AAPL", "IBM"], [HALF, MONDAY])
    assert {name: _kinds(outcome) for name, outcome in reported.items()} == {
        name: [type(None)] * 2 for name in reported
    }
    assert DayVersion.objects.count() == 4
