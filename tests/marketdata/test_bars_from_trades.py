"""Bars made from real trades, against pandas and against the vendor's bars of the same day."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from marketdata.bars_from_trades import AUCTION, NOT_REGULAR, bars_of, compare
from marketdata.calendar import trading_day
from marketdata.columns import TickColumns, no_ticks
from marketdata.columns.tick_columns import SUSPICIOUS
from marketdata.kinds import DayKind
from marketdata.models import Dataset
from marketdata.providers.synthetic import make_day
from marketdata.providers.synthetic_ticks import make_trades
from marketdata.store import find_days, load_ticks

pytestmark = pytest.mark.django_db
DAY = trading_day(pd.Timestamp("2013-10-07").date())


def load(sample: Path, symbol: str) -> TickColumns:
    call_command("import_trades", str(sample / f"trades/lean/{symbol}_2013-10-07_trades.parquet"), verbosity=0)
    call_command("import_bars", str(sample / f"bars/lean/{symbol}_2013-10-07_1min.csv.gz"), verbosity=0)
    dataset = Dataset.objects.get(name="lean")
    return load_ticks(find_days(dataset.pk, DayKind.TRADES, DAY.date, [symbol])[symbol])


def test_bars_of_a_real_day_are_those_that_pandas_makes(sample: Path) -> None:
    made = bars_of(load(sample, "IBM"))
    table = pd.read_parquet(sample / "trades/lean/IBM_2013-10-07_trades.parquet")
    table = table[(table.timestamp >= DAY.open) & (table.timestamp < DAY.close)].set_index("timestamp")
    bars = table.price.resample("1min").ohlc()
    size = table["size"].resample("1min")
    for name in ("open", "high", "low", "close"):
        np.testing.assert_array_equal(getattr(made, name), bars[name])
    np.testing.assert_array_equal(made.volume, size.sum())
    np.testing.assert_array_equal(made.trade_count, size.count())
    turnover = (table.price * table["size"]).resample("1min").sum()
    np.testing.assert_allclose(made.vwap, turnover / size.sum())


def test_the_vendors_bars_are_explained_by_its_conditions(sample: Path) -> None:
    load(sample, "IBM")
    out = StringIO()
    call_command("compare_bars", "IBM", date=DAY.date, json=True, stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue())
    reasons = report["reasons"]
    assert report["minutes"] == 390
    assert reasons[NOT_REGULAR] > 300
    assert sum(count for reason, count in reasons.items() if reason not in (NOT_REGULAR, AUCTION)) <= 5
    (volume,) = [one for one in report["differences"] if one["field"] == "volume" and one["minute"] == 389]
    assert volume["vendor"] - volume["made"] == 151_665 and volume["reason"] == AUCTION


def test_synthetic_trades_give_the_synthetic_bars_back() -> None:
    bars = make_day("XYZ", DAY)
    found = compare(make_trades("XYZ", DAY.date, bars), no_ticks(DayKind.TRADES), bars, DAY.minutes)
    assert (found.minutes, found.differences) == (len(bars), [])


def test_suspicious_trades_are_left_out() -> None:
    trades = make_trades("XYZ", DAY.date, make_day("XYZ", DAY))
    values, flags = trades.values.copy(), trades.flags.copy()
    values[0, 5] = 1e6
    assert bars_of(replace(trades, values=values)).high.max() == 1e6
    flags[5] = SUSPICIOUS
    assert bars_of(replace(trades, values=values, flags=flags)).high.max() < 1e6


def test_a_day_without_both_is_reported() -> None:
    with pytest.raises(CommandError, match="No dataset has both trades and bars of IBM on 2013-10-07"):
        call_command("compare_bars", "IBM", date=DAY.date)
