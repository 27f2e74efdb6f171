"""Trades and quotes from a folder of files: on demand, as an import would have them, and distinguished from nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from marketdata.calendar import TradingDay, trading_day
from marketdata.columns import TickColumns
from marketdata.columns.tick_columns import DERIVED
from marketdata.errors import NoData, ProviderFailed, UnknownSymbol
from marketdata.kinds import DayKind
from marketdata.models import QuarantinedRow
from marketdata.providers.base import NoDataExists, get_provider, provider_dataset
from marketdata.providers.files import FilesProvider
from marketdata.providers.tick_fetching import TickRows, TicksAnswer, ensure_ticks
from marketdata.store import find_days, load_ticks

DAY = trading_day(dt.date(2013, 10, 7))
NEXT = trading_day(dt.date(2013, 10, 8))


def rows(answer: TicksAnswer) -> TickColumns:
    assert isinstance(answer, TickRows), answer
    return answer.rows


def trades(path: Path, day: TradingDay, *seconds: float, **columns: object) -> Path:
    stamps = [(day.open + dt.timedelta(seconds=at)).isoformat() for at in seconds]
    pd.DataFrame({"timestamp": stamps, "price": 10.0, "size": 100, **columns}).to_csv(path, index=False)
    return path


def test_real_trades_are_those_of_the_session_to_the_last_one(sample: Path) -> None:
    folder = sample / "trades" / "lean"
    table = pd.read_parquet(folder / "IBM_2013-10-07_trades.parquet")
    at = pd.to_datetime(table.timestamp, utc=True)
    source = table[(at >= DAY.open) & (at < DAY.close)]
    found = rows(FilesProvider("files", root=str(folder)).fetch_trades("IBM", DAY.open, DAY.close))
    assert len(found) == len(source) > 1000
    assert found.value("price").tolist() == source.price.tolist()
    assert found.at.tolist() == at[source.index].dt.as_unit("ns").astype("int64").tolist()


def test_recorded_quotes_go_before_quotes_from_quote_bars(sample: Path) -> None:
    provider = FilesProvider("files", root=str(sample))
    recorded = rows(provider.fetch_quotes("IBM", DAY.open, DAY.close))
    assert not (recorded.flags & DERIVED).any()
    table = pd.read_parquet(sample / "quotes" / "lean" / "IBM_2013-10-07_quotes.parquet")
    at = pd.to_datetime(table.timestamp, utc=True)
    assert len(recorded) == ((at >= DAY.open) & (at < DAY.close)).sum()
    derived = rows(provider.fetch_quotes("BAC", NEXT.open, NEXT.close))
    assert (derived.flags & DERIVED).all() and 300 < len(derived) <= 390


def test_what_a_folder_lacks_does_not_exist_and_a_file_that_cannot_be_read_fails(tmp_path: Path) -> None:
    provider = FilesProvider("files", root=str(tmp_path))
    trades(tmp_path / "IBM_2013-10-07.csv", DAY, 1.0)
    assert isinstance(provider.fetch_quotes("IBM", DAY.open, DAY.close), NoDataExists)
    assert isinstance(provider.fetch_trades("IBM", NEXT.open, NEXT.close), NoDataExists)
    with pytest.raises(UnknownSymbol, match="is of MSFT"):
        provider.fetch_trades("MSFT", DAY.open, DAY.close)
    (tmp_path / "IBM_2013-10-08.parquet").write_bytes(b"no parquet")
    with pytest.raises(ProviderFailed, match=r"IBM_2013-10-08\.parquet: cannot be read"):
        provider.fetch_trades("IBM", NEXT.open, NEXT.close)


def test_files_of_one_day_complete_each_other(tmp_path: Path) -> None:
    trades(tmp_path / "IBM_a.csv", DAY, 1.0, 2.0, 3.0)
    trades(tmp_path / "IBM_b.csv", DAY, 3.0, 4.0)
    found = rows(FilesProvider("files", root=str(tmp_path)).fetch_trades("IBM", DAY.open, DAY.close))
    assert ((found.at / 1e9) - DAY.open.timestamp()).round(3).tolist() == [1.0, 2.0, 3.0, 4.0]


def test_files_that_say_other_things_of_one_time_are_refused_together(tmp_path: Path) -> None:
    trades(tmp_path / "IBM_a.csv", DAY, 1.0, 2.0, 3.0)
    trades(tmp_path / "IBM_b.csv", DAY, 1.0, 2.0, 3.0, price=[10.0, 99.0, 10.0])
    with pytest.raises(ProviderFailed, match=r"IBM_a\.csv and .*IBM_b\.csv do not say the same of IBM .*price 99"):
        FilesProvider("files", root=str(tmp_path)).fetch_trades("IBM", DAY.open, DAY.close)


@pytest.mark.django_db
def test_a_broken_row_is_quarantined_and_the_rest_is_stored(tmp_path: Path, settings: Any) -> None:
    path = trades(tmp_path / "IBM_2013-10-07.csv", DAY, 1.0, 2.0, 3.0, price=[10.0, -1.0, 10.5])
    settings.MARKETDATA_PROVIDERS = {
        "mine": {"BACKEND": "marketdata.providers.files.FilesProvider", "OPTIONS": {"root": str(tmp_path)}}
    }
    get_provider.cache_clear()
    dataset = provider_dataset(get_provider("mine"))
    ensure_ticks(dataset, "mine", DayKind.TRADES, "IBM", DAY.date)
    stored = load_ticks(find_days(dataset.pk, DayKind.TRADES, DAY.date, ["IBM"])["IBM"])
    assert np.array_equal(stored.value("price"), [10.0, 10.5])
    row = QuarantinedRow.objects.get()
    assert (row.file, row.line, row.symbol, row.dataset.name) == (str(path), 3, "IBM", "mine")
    with pytest.raises(NoData, match="mine has no quotes of IBM on 2013-10-07"):
        ensure_ticks(dataset, "mine", DayKind.QUOTES, "IBM", DAY.date)
    get_provider.cache_clear()


def test_a_file_of_bars_is_none_of_trades_also_where_it_has_a_last_price(tmp_path: Path) -> None:
    prices = {"open": 10.0, "high": 11.0, "low": 9.0, "last": 10.5}
    trades(tmp_path / "IBM.csv", DAY, 60.0, **prices).write_text(
        (tmp_path / "IBM.csv").read_text().replace("price,", "x,")
    )
    provider = FilesProvider("files", root=str(tmp_path))
    assert isinstance(provider.fetch_trades("IBM", DAY.open, DAY.close), NoDataExists)


def test_a_file_that_says_trades_and_has_no_price_fails_until_its_column_is_named(tmp_path: Path) -> None:
    path = trades(tmp_path / "IBM_trades.csv", DAY, 1.0)
    path.write_text(path.read_text().replace("price", "px"))
    with pytest.raises(ProviderFailed, match=r"IBM_trades\.csv: no column for price"):
        FilesProvider("files", root=str(tmp_path)).fetch_trades("IBM", DAY.open, DAY.close)
    named = FilesProvider("files", root=str(tmp_path), trade_columns={"price": "px"})
    assert len(rows(named.fetch_trades("IBM", DAY.open, DAY.close))) == 1


def test_a_day_whose_rows_are_all_broken_is_an_answer_with_those_rows(tmp_path: Path) -> None:
    trades(tmp_path / "IBM.csv", DAY, 1.0, price=[-1.0])
    answer = FilesProvider("files", root=str(tmp_path)).fetch_trades("IBM", DAY.open, DAY.close)
    assert isinstance(answer, TickRows) and len(answer.rows) == 0
    assert [row.reason for row in answer.bad] == ["the price is not positive"]
