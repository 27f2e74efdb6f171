"""The generated market: the same on every machine, and shaped like one."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from marketdata.calendar import trading_day, trading_days
from marketdata.columns import BarColumns
from marketdata.errors import UnknownSymbol
from marketdata.providers.base import NoDataExists, Rows
from marketdata.providers.synthetic import SyntheticProvider, make_day
from marketdata.rules import broken_rows

ROOT = Path(__file__).resolve().parents[2]
DAY = trading_day(dt.date(2025, 7, 2))
PROGRAM = """
import datetime as dt
import django
django.setup()
from marketdata.calendar import trading_day
from marketdata.providers.synthetic import make_day
print(make_day("XYZ", trading_day(dt.date(2025, 7, 2))).content_hash())
"""


@cache
def year(symbol: str) -> list[BarColumns]:
    return [make_day(symbol, day) for day in trading_days(dt.date(2024, 1, 1), dt.date(2024, 12, 31))]


def test_another_process_makes_the_same_bytes() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONHASHSEED": "7"}
    made = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment, cwd=ROOT
    )
    assert made.stdout.strip() == make_day("XYZ", DAY).content_hash()


def test_symbols_and_dates_differ() -> None:
    days = [make_day(symbol, trading_day(dt.date(2025, 7, n))) for symbol in ("AAPL", "MSFT") for n in (1, 2)]
    assert len({bars.content_hash() for bars in days}) == 4


def test_a_year_satisfies_every_rule_in_whole_ticks() -> None:
    for bars in year("XYZ"):
        assert broken_rows(bars) == []
        for prices in (bars.open, bars.high, bars.low, bars.close):
            assert np.array_equal(prices, prices.round(2))
        assert ((bars.low <= bars.vwap) & (bars.vwap <= bars.high)).all()


@pytest.mark.parametrize("symbol", ["AAPL", "XYZ", "QRST"])
def test_a_day_opens_near_the_last_close_also_after_weekends_and_holidays(symbol: str) -> None:
    closes = np.array([bars.close[-1] for bars in year(symbol)])
    opens = np.array([bars.open[0] for bars in year(symbol)])
    gaps = np.log(opens[1:] / closes[:-1])
    assert 0.003 < gaps.std() < 0.009
    assert np.abs(gaps).max() < 0.03


def test_a_full_day_is_complete_for_active_symbols_and_has_quiet_minutes_for_thin_ones() -> None:
    assert {len(bars) for bars in year("AAPL")} == {390, 210}
    thin = [len(bars) for bars in year("XYZ")]
    assert 0.7 * 390 < np.median(thin) < 390


def test_volume_is_high_at_both_ends_of_the_day() -> None:
    volume = np.mean([bars.volume for bars in year("AAPL") if len(bars) == 390], axis=0)
    assert volume[:30].mean() > 1.5 * volume[150:240].mean() < volume[-30:].mean()


def test_the_answer_holds_the_starts_within_the_asked_span() -> None:
    start, end = DAY.open + dt.timedelta(minutes=10), DAY.open + dt.timedelta(minutes=20)
    answer = SyntheticProvider("synthetic").fetch_bars("AAPL", start, end)
    assert isinstance(answer, Rows)
    assert answer.stamps.tolist() == list(range(int(start.timestamp()), int(end.timestamp()), 60))


@pytest.mark.parametrize(
    ("now", "answered"),
    [
        pytest.param(DAY.close, True, id="at the close"),
        pytest.param(DAY.close - dt.timedelta(minutes=1), False, id="before the close"),
        pytest.param(DAY.open - dt.timedelta(days=1), False, id="the day before"),
    ],
)
def test_a_day_that_is_not_over_has_no_data(now: dt.datetime, answered: bool) -> None:
    answer = SyntheticProvider("synthetic", now=lambda: now).fetch_bars("AAPL", DAY.open, DAY.close)
    assert isinstance(answer, Rows if answered else NoDataExists)
    if isinstance(answer, NoDataExists):
        assert answer.reason == "2025-07-02 is not over: the market closes at 2025-07-02 20:00 UTC"


def test_a_closed_day_says_so() -> None:
    start = dt.datetime(2025, 7, 4, 13, 30, tzinfo=dt.UTC)
    answer = SyntheticProvider("synthetic").fetch_bars("AAPL", start, start + dt.timedelta(hours=6))
    assert isinstance(answer, NoDataExists) and "the exchange was closed" in answer.reason


@pytest.mark.parametrize("symbol", ["A", "AAPL", "BRK.B", "X1", "ABCDEF"])
def test_tickers(symbol: str) -> None:
    assert isinstance(SyntheticProvider("synthetic").fetch_bars(symbol, DAY.open, DAY.close), Rows)


@pytest.mark.parametrize("symbol", ["", "aapl", "1A", "ABCDEFG", "BRK.", "BRK.ABCD", "A B", "AAPL\n"])
def test_what_is_no_ticker_is_named(symbol: str) -> None:
    with pytest.raises(UnknownSymbol, match="is not a ticker"):
        SyntheticProvider("synthetic").fetch_bars(symbol, DAY.open, DAY.close)
