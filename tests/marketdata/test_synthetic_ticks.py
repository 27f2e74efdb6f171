"""The trades and quotes of the synthetic market agree with its bars, minute by minute."""

import datetime as dt

import numpy as np
import pytest

from marketdata.calendar import trading_day
from marketdata.columns import BarColumns, TickColumns
from marketdata.kinds import TICK_KINDS
from marketdata.models import Dataset
from marketdata.providers.base import provider_dataset
from marketdata.providers.synthetic import SyntheticProvider, make_day
from marketdata.providers.synthetic_ticks import make_quotes, make_trades
from marketdata.providers.tick_fetching import ensure_ticks
from marketdata.rules import broken_rows
from marketdata.store import find_days

DAYS = [trading_day(dt.date(2025, 7, 2)), trading_day(dt.date(2025, 7, 3))]


def minute_by_minute(trades: TickColumns) -> dict[int, tuple[float, ...]]:
    """Slowly, with Python's own arithmetic."""
    found: dict[int, list[tuple[float, float]]] = {}
    for at, price, size in zip(trades.at.tolist(), *trades.values.tolist(), strict=True):
        found.setdefault(at // 60_000_000_000, []).append((price, size))
    return {
        minute: (
            rows[0][0],
            max(price for price, _ in rows),
            min(price for price, _ in rows),
            rows[-1][0],
            sum(size for _, size in rows),
            len(rows),
        )
        for minute, rows in found.items()
    }


def prices_by_minute(bars: BarColumns) -> dict[int, tuple[float, ...]]:
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume, bars.trade_count)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return dict(zip((bars.offset // 60).tolist(), rows, strict=True))


@pytest.mark.parametrize("symbol", ["XYZ", "Q", "THIN"])
@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.date.isoformat())
def test_trades_make_exactly_the_bars(symbol: str, day: object) -> None:
    bars = make_day(symbol, day)
    trades = make_trades(symbol, day.date, bars)
    assert minute_by_minute(trades) == prices_by_minute(bars)
    assert broken_rows(trades) == [] and (np.diff(trades.at) >= 0).all()


def test_each_trade_meets_the_quote_before_it() -> None:
    day = DAYS[0]
    trades = make_trades("XYZ", day.date, make_day("XYZ", day))
    quotes = make_quotes("XYZ", day.date, trades)
    assert broken_rows(quotes) == [] and (np.diff(quotes.at) >= 0).all()
    assert (quotes.at <= trades.at).all()
    price = trades.value("price")
    assert ((price == quotes.value("bid")) | (price == quotes.value("ask"))).all()
    assert (quotes.value("bid") < quotes.value("ask")).all()


@pytest.mark.django_db
def test_the_provider_fills_the_store_and_it_is_typed_synthetic() -> None:
    dataset: Dataset = provider_dataset(SyntheticProvider("synthetic"))
    for kind in TICK_KINDS:
        ensure_ticks(dataset, "synthetic", kind, "THIN", DAYS[1].date)
        found = find_days(dataset.pk, kind, DAYS[1].date, ["THIN"])["THIN"]
        assert found.row_count == int(make_day("THIN", DAYS[1]).trade_count.sum())
    assert dataset.synthetic
