"""Derived bars of real days against pandas, which resamples them on New York's wall clock."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from marketdata.calendar import trading_day
from marketdata.columns import BarColumns
from marketdata.derive import DerivedColumns, derive
from marketdata.intervals import DAY, interval_name

NEW_YORK = "America/New_York"
COLUMNS = ["open", "high", "low", "close", "volume", "trade_count", "vwap"]
WIDTHS = [5, 7, 15, 30, 60, 90, DAY]
DAYS = {
    "a full day": ("exthours_2025/AAPL_*", "2025-07-02"),
    "a half day with prints after its close": ("exthours_2025/AAPL_*", "2025-07-03"),
    "a half day with few bars": ("sparse_etf/DBB_*", "2023-11-24"),
    "the Friday before daylight saving": ("spy_vwap_2024/SPY_*", "2024-03-08"),
    "the Monday after it began": ("spy_vwap_2024/SPY_*", "2024-03-11"),
    "the Monday after it began in 2011": ("ninjatrader_2011/SPY_*", "2011-03-14"),
    "a first minute missing": ("alphavantage_2019/AMT_*", "2019-02-11"),
    "most minutes missing": ("alphavantage_2019/UGA_*", "2019-02-13"),
}
real = pytest.mark.parametrize(("pattern", "date"), DAYS.values(), ids=DAYS)


def minutes(market_data: Path, pattern: str, date: str) -> pd.DataFrame:
    """The file's rows of the regular session, by New York time."""
    (path,) = (market_data / "bars").glob(pattern)
    table = pd.read_csv(path).reindex(columns=["timestamp", *COLUMNS])
    table.index = pd.DatetimeIndex(pd.to_datetime(table.timestamp, utc=True)).tz_convert(NEW_YORK)
    day = trading_day(dt.date.fromisoformat(date))
    return table[(table.index >= day.open) & (table.index < day.close)][COLUMNS].astype(float)


def by_pandas(rows: pd.DataFrame, width: int) -> pd.DataFrame:
    """Bars by pandas' own resampling; for the day, all of it is one bucket from 09:30."""
    rows = rows.assign(money=rows.vwap * rows.volume, weight=rows.volume.where(rows.vwap.notna()), n=1)
    bins = rows.resample(f"{min(width, 390)}min", origin="start_day", offset="9h30min")
    how = {"open": "first", "high": "max", "low": "min", "close": "last"}
    made = bins.agg(how).assign(**{name: bins[name].sum(min_count=1) for name in ("volume", "trade_count")})
    made["vwap"] = bins["money"].sum(min_count=1) / bins["weight"].sum(min_count=1)
    return made.assign(n=bins["n"].sum())[lambda bars: bars.n > 0]


def columns(rows: pd.DataFrame, date: str) -> BarColumns:
    opened = trading_day(dt.date.fromisoformat(date)).open
    offset = np.array([round((at - opened).total_seconds()) for at in rows.index], np.int64)
    return BarColumns(offset, *(rows[name].to_numpy() for name in COLUMNS))


def compare(made: DerivedColumns, wanted: pd.DataFrame, date: str) -> None:
    opened = trading_day(dt.date.fromisoformat(date)).open
    stamps = [round((at - opened).total_seconds()) for at in wanted.index]
    assert made.columns.offset.tolist() == stamps
    assert made.n_present.tolist() == wanted.n.tolist()
    for name in COLUMNS:
        np.testing.assert_allclose(getattr(made.columns, name), wanted[name].to_numpy(), rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("width", WIDTHS, ids=map(interval_name, WIDTHS))
@real
def test_a_real_day_is_resampled_as_pandas_does(market_data: Path, pattern: str, date: str, width: int) -> None:
    rows = minutes(market_data, pattern, date)
    session = trading_day(dt.date.fromisoformat(date)).minutes
    compare(derive(columns(rows, date), session, width), by_pandas(rows, width), date)


@pytest.mark.parametrize("width", WIDTHS, ids=map(interval_name, WIDTHS))
@pytest.mark.parametrize(
    "kept",
    [slice(1, None), slice(None, -1), [*range(180), *range(195, 390)], [389], [0], [200], [*range(0, 390, 61)]],
    ids=["no first", "no last", "none in the middle", "only the last", "only the first", "only one", "a few"],
)
def test_a_missing_minute_never_shifts_the_grid(market_data: Path, kept: slice | list[int], width: int) -> None:
    rows = minutes(market_data, "spy_vwap_2024/SPY_*", "2024-03-11").iloc[kept]
    compare(derive(columns(rows, "2024-03-11"), 390, width), by_pandas(rows, width), "2024-03-11")


def test_a_day_with_one_bar_has_one_bar_of_every_width_and_says_what_it_lacks(market_data: Path) -> None:
    rows = minutes(market_data, "exthours_2025/AAPL_*", "2025-07-03").iloc[[209]]  # 12:59, the half day's last
    for width, expected in ((5, 5), (60, 30), (DAY, 210)):
        made = derive(columns(rows, "2025-07-03"), 210, width)
        assert (made.n_present.tolist(), made.n_expected.tolist()) == ([1], [expected])
        assert made.end_offset.tolist() == [210 * 60]
