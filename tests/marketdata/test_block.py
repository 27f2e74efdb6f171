"""Packed columns give back the very same numbers, in Python and in SQL, and stay small."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from marketdata import store
from marketdata.calendar import trading_day
from marketdata.columns import BarColumns, TickColumns, packed, unpacked
from marketdata.columns.bar_columns import BAR_VALUES
from marketdata.columns.block import HEAD, pack, unpack
from marketdata.kinds import DayKind
from marketdata.models import Bar, Dataset, DayChunk, Trade
from marketdata.providers.synthetic import make_day
from marketdata.store import NewDay

DAY = dt.date(2025, 7, 2)
PRICES = st.decimals(min_value="0.0001", max_value="99999", places=4).map(float)
AMOUNTS = st.integers(0, 10**13).map(float)
EDGES = st.sampled_from(
    [-0.0, 0.0, 0.1 + 0.2, 1 / 3, 1e-300, 5e-324, -1.5, 2.0**53, 2.0**53 + 2, 1e300, np.inf, -np.inf]
)
NUMBERS = PRICES | AMOUNTS | st.floats() | EDGES | st.just(np.nan)


def columns_of(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[list[float]]:
    return st.lists(numbers, max_size=40)


def bits(column: NDArray[np.float64]) -> list[int]:
    """Bit for bit, but for NaN, which is one."""
    found: list[int] = np.where(np.isnan(column), np.nan, column).view(np.int64).tolist()
    return found


@settings(max_examples=500)
@given(columns_of(NUMBERS) | columns_of(PRICES) | columns_of(AMOUNTS) | columns_of(PRICES | st.just(np.nan)))
def test_numbers_come_back_bit_for_bit(values: list[float]) -> None:
    column = np.array(values, np.float64)
    (found,) = unpack(pack([column]), len(column), [(False, 0)])
    assert bits(found) == bits(column)


GRIDS = st.integers(0, 40).map(lambda n: list(range(-60, 60 * n, 60)))
MINUTES = st.lists(st.integers(-5, 400).map(lambda n: n * 60))


@settings(max_examples=300)
@given(st.lists(st.integers(-(2**53), 2**53), max_size=40) | MINUTES | GRIDS)
def test_integers_come_back(values: list[int]) -> None:
    column = np.array(values, np.int64)
    (found,) = unpack(pack([column]), len(column), [(True, 0)])
    assert (found.tolist(), found.dtype) == (values, np.int64)


@given(columns_of(PRICES), st.data())
def test_columns_side_by_side_do_not_touch_each_other(values: list[float], data: st.DataObject) -> None:
    size = len(values)
    others = [np.array(data.draw(st.lists(NUMBERS, min_size=size, max_size=size))) for _ in range(3)]
    columns = [np.arange(size) * 60, np.array(values, np.float64), *others]
    found = unpack(pack(columns), size, [(True, 0), *[(False, 0)] * 4])
    assert [bits(column.astype(np.float64)) for column in found] == [
        bits(column.astype(np.float64)) for column in columns
    ]


@pytest.mark.parametrize(
    ("values", "width"),
    [
        (np.round(100 + np.arange(250) / 100, 2), 1),
        (np.round(100 + np.arange(390) / 100, 2), 2),
        (np.arange(390) * 100.0, 2),
        (np.arange(390) * 1_000_003.0, 2),
        (np.arange(390) ** 3 / 4, 4),
        (np.full(390, 17.25), 0),
        (np.full(390, np.nan), 0),
        (np.where(np.arange(390) % 2, np.nan, 5.0), 1),
        (np.sqrt(np.arange(390)), 8),
    ],
)
def test_a_number_takes_as_few_bytes_as_its_range_needs(values: NDArray[np.float64], width: int) -> None:
    assert len(pack([values])) == HEAD.size + width * len(values)


def test_a_minute_of_bars_takes_less_than_thirty_bytes() -> None:
    bars = make_day("AAPL", trading_day(DAY))
    assert len(packed(bars)) < 30 * len(bars)


def test_trades_come_back_with_their_words_and_flags() -> None:
    rng = np.random.default_rng(5)
    rows = TickColumns(
        DayKind.TRADES,
        np.sort(rng.integers(0, 390 * 60 * 10**9, 1000)),
        np.stack([np.round(rng.normal(100, 1, 1000), 4), np.where(rng.random(1000) < 0.1, np.nan, 0.25)]),
        rng.integers(0, 3, (2, 1000)).astype(np.int32),
        rng.integers(0, 4, 1000).astype(np.uint8),
        ("", "@", "Q"),
    )
    found = unpacked(DayKind.TRADES, packed(rows), len(rows), rows.words)
    assert isinstance(found, TickColumns)
    assert found.content_hash() == rows.content_hash()
    assert (found.codes.dtype, found.flags.dtype, found.words) == (np.int32, np.uint8, rows.words)


# --- SQL ---------------------------------------------------------------------------------------------


def awkward(size: int = 40) -> NDArray[np.float64]:
    """Numbers of every form of a cell, subnormal and huge ones among them."""
    numbers = np.array([1 / 3, 1e-300, 5e-324, 2.5e-320, -1.5, 2.0**53 + 2, 1e300, 0.1 + 0.2, np.nan, 123.456789])
    return np.resize(numbers, size)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "volume",
    [
        np.arange(40.0),
        np.arange(40) * 0.25,
        np.arange(40) * 1e9 + 1,
        np.where(np.arange(40) % 3, np.nan, 7.5),
        np.where(np.arange(40) % 3, np.nan, np.arange(40) * 1e5),
        np.where(np.arange(40) % 3, np.nan, np.arange(40) * 1e11 + 1),
        np.full(40, np.nan),
        np.full(40, 12.0),
        awkward(),
    ],
    ids=["narrow", "fractions", "wide", "absent of one", "absent of four", "absent of eight", "none", "same", "floats"],
)
def test_sql_reads_the_numbers_that_python_reads(volume: NDArray[np.float64]) -> None:
    dataset = Dataset.objects.create(name="made", source="made")
    price = np.round(100 + np.arange(40) / 7, 4)
    bars = BarColumns(np.arange(40) * 60, price, price + 1, price - 1, price, volume, awkward(), np.sqrt(price))
    instrument = store.ensure_instruments(["AAPL"])["AAPL"]
    store.write_days(dataset.pk, [NewDay(instrument, DAY, bars)])
    rows = np.array(list(Bar.objects.order_by("start").values_list(*BAR_VALUES)), np.float64)
    for name, column in zip(BAR_VALUES, rows.T, strict=True):
        assert bits(np.ascontiguousarray(column)) == bits(getattr(bars, name)), name
    starts = list(Bar.objects.order_by("id").values_list("start", flat=True))
    assert starts == [trading_day(DAY).open + dt.timedelta(minutes=minute) for minute in range(40)]


@pytest.mark.django_db
def test_trades_have_one_place_each_over_the_chunks_of_a_day() -> None:
    dataset = Dataset.objects.create(name="made", source="made")
    n = 20_050
    at = np.sort(np.random.default_rng(3).integers(0, 390 * 60 * 10**9, n))
    values = np.stack([np.round(100 + np.arange(n) / 1000, 3), np.resize([100.0, 0.5, np.nan], n)])
    codes = np.stack([np.resize([1, 0], n), np.resize([0, 2], n)]).astype(np.int32)
    rows = TickColumns(DayKind.TRADES, at, values, codes, np.resize([0, 1, 2], n).astype(np.uint8), ("", "Q", "@"))
    store.write_days(dataset.pk, [NewDay(store.ensure_instruments(["AAPL"])["AAPL"], DAY, rows)])
    assert list(DayChunk.objects.order_by("number").values_list("row_count", flat=True)) == [20_000, 50]
    found = list(Trade.objects.order_by("sequence"))
    open_ns = int(trading_day(DAY).open.timestamp()) * 10**9
    assert [trade.sequence for trade in found] == list(range(1, n + 1))
    assert [trade.at_ns - open_ns for trade in found] == at.tolist()
    assert [trade.price for trade in found] == values[0].tolist()
    assert [trade.size for trade in found[:3]] == [100.0, 0.5, None]
    assert [(trade.exchange, trade.condition) for trade in found[:2]] == [("Q", None), (None, "@")]
    assert [(trade.suspicious, trade.corrected) for trade in found[-3:]] == [
        (bool(flag & 1), bool(flag & 2)) for flag in rows.flags[-3:]
    ]
