"""Days in and out of Postgres: bit for bit, versioned, and one row per bar in the view."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction

from marketdata import store
from marketdata.calendar import trading_day
from marketdata.columns import BarColumns
from marketdata.columns.bar_columns import BAR_VALUES
from marketdata.errors import MarketDataError, NoData, UnknownSymbol
from marketdata.models import Bar, Dataset, DayChunk, DayVersion, FetchAttempt, ReadOnlyError
from marketdata.providers.base import get_provider, provider_dataset
from marketdata.providers.fetching import ensure_day
from marketdata.providers.synthetic import make_day
from marketdata.rules import broken_rows
from marketdata.store import NewDay

DAY = dt.date(2025, 7, 2)
pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset() -> Dataset:
    return Dataset.objects.create(name="made", source="made")


def new(symbol: str, bars: BarColumns | None = None, date: dt.date = DAY) -> NewDay:
    made = make_day(symbol, trading_day(date)) if bars is None else bars
    return NewDay(store.ensure_instruments([symbol])[symbol], date, made)


def test_what_goes_in_comes_out_bit_for_bit_nulls_too(dataset: Dataset) -> None:
    bars = make_day("AAPL", trading_day(DAY))
    volume, vwap = bars.volume.copy(), bars.vwap.copy()
    volume[3], vwap[5] = np.nan, np.nan
    holed = replace(bars, volume=volume, vwap=vwap, trade_count=np.full(len(bars), np.nan))
    store.write_days(dataset.pk, [new("AAPL", holed)])
    found = store.load_day(dataset.pk, DAY, ["AAPL"])["AAPL"]
    assert found.bars.content_hash() == holed.content_hash() == found.content_hash
    assert found.ledger == "T" * 390
    rows = Bar.objects.filter(date=DAY, instrument__symbol="AAPL")
    assert rows.filter(volume=None).count() == 1 and rows.filter(vwap=None).count() == 1


@pytest.mark.parametrize("absent", [(), ("vwap",), ("volume", "trade_count", "vwap")])
def test_the_view_says_what_the_columns_say(dataset: Dataset, absent: tuple[str, ...]) -> None:
    bars = make_day("AAPL", trading_day(DAY))
    holed = np.where(np.arange(len(bars)) % 7 == 0, np.nan, bars.volume)
    bars = replace(bars, **{"volume": holed, **{name: np.full(len(bars), np.nan) for name in absent}})
    store.write_days(dataset.pk, [new("AAPL", bars)])
    assert store.load_day(dataset.pk, DAY, ["AAPL"])["AAPL"].bars.content_hash() == bars.content_hash()
    rows = np.array(list(Bar.objects.order_by("start").values_list(*BAR_VALUES)), np.float64)
    expected = np.stack([getattr(bars, name) for name in BAR_VALUES], axis=1)
    np.testing.assert_array_equal(rows, expected)


@pytest.mark.parametrize(
    "change",
    [{"row_count": 1}, {"content_hash": "f"}, {"version": 7}, {"known_at": "2025-07-02T20:00Z"}, {"origin": ""}],
)
def test_the_database_refuses_a_change_of_a_stored_version(dataset: Dataset, change: dict[str, Any]) -> None:
    store.write_days(dataset.pk, [new("AAPL")])
    with pytest.raises(IntegrityError, match="A stored version is never changed"), transaction.atomic():
        DayVersion.objects.update(**change)
    with pytest.raises(IntegrityError, match="A stored version is never changed"), transaction.atomic():
        DayChunk.objects.update(cells=b"")


def test_which_version_is_current_and_what_is_known_of_absent_minutes_may_change(dataset: Dataset) -> None:
    store.write_days(dataset.pk, [new("AAPL")])
    assert DayVersion.objects.update(current=False, ledger="N" * 390) == 1


def test_the_same_again_changes_nothing_and_other_bars_are_a_new_version(dataset: Dataset) -> None:
    bars = make_day("AAPL", trading_day(DAY))
    assert store.write_days(dataset.pk, [new("AAPL", bars)]).inserted == 390
    again = store.write_days(dataset.pk, [new("AAPL", bars)])
    assert (again.unchanged, again.days_written) == (390, 0)
    close = bars.close.copy()
    close[0] += 0.01
    assert store.write_days(dataset.pk, [new("AAPL", replace(bars, close=close))]).revised == 390
    versions = DayVersion.objects.order_by("version").values_list("version", "current")
    assert list(versions) == [(1, False), (2, True)]
    first = DayVersion.objects.get(version=1)
    assert store.load_versions([first.pk])["AAPL"].bars.content_hash() == bars.content_hash()
    assert Bar.objects.filter(date=DAY).count() == 390


def test_the_view_has_one_row_a_bar_and_refuses_writes(dataset: Dataset) -> None:
    store.write_days(dataset.pk, [new("AAPL")])
    bars = Bar.objects.filter(instrument__symbol="AAPL", date=DAY).order_by("start")
    assert bars.count() == 390
    first = bars[0]
    assert first.start == trading_day(DAY).open
    for write in (first.save, first.delete, lambda: bars.update(open=1), lambda: Bar.objects.create(open=1)):
        with pytest.raises(ReadOnlyError, match="Bar is a view over DayVersion"):
            write()


def test_two_vendors_never_mix_and_real_comes_before_synthetic(dataset: Dataset) -> None:
    made = provider_dataset(get_provider("synthetic"))
    store.write_days(made.pk, [new("AAPL"), new("MSFT"), new("AAPL", date=dt.date(2025, 7, 3))])
    assert store.choose_dataset(["AAPL"]) == made
    store.write_days(dataset.pk, [new("AAPL")])
    assert store.choose_dataset(["AAPL"]) == dataset
    assert store.choose_dataset(["AAPL", "MSFT"]) == made
    assert store.choose_dataset(["AAPL", "ZZZ"]) is None
    assert store.dates_with(made.pk, ["AAPL", "MSFT"]) == [DAY]


@pytest.mark.django_db(transaction=True)
def test_two_writers_of_one_day_make_one_version(dataset: Dataset) -> None:
    day = new("AAPL")

    def write() -> int:
        try:
            return store.write_days(dataset.pk, [day]).inserted
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: write(), range(4))) == [0, 0, 0, 390]
    assert DayVersion.objects.count() == 1


def test_the_synthetic_market_is_the_same_every_time_and_satisfies_every_rule() -> None:
    for symbol in ("AAPL", "XYZ"):
        for date in (DAY, dt.date(2025, 7, 3)):
            bars = make_day(symbol, trading_day(date))
            assert bars.content_hash() == make_day(symbol, trading_day(date)).content_hash()
            assert broken_rows(bars) == []
            assert (bars.close * 100).round(6).tolist() == (bars.close * 100).round().tolist()
    assert len(make_day("AAPL", trading_day(dt.date(2025, 7, 3)))) == 210
    assert len(make_day("AAPL", trading_day(DAY))) == 390
    assert 250 < len(make_day("XYZ", trading_day(DAY))) <= 390


def test_a_missing_day_is_fetched_once_and_what_was_answered_is_kept() -> None:
    made = provider_dataset(get_provider("synthetic"))
    ensure_day(made, "synthetic", "AAPL", DAY)
    ensure_day(made, "synthetic", "AAPL", DAY)
    attempt = FetchAttempt.objects.get()
    assert (attempt.attempts, attempt.outcome) == (1, "rows")
    with pytest.raises(UnknownSymbol, match="is not a ticker"):
        ensure_day(made, "synthetic", "not a ticker", DAY)
    with pytest.raises(MarketDataError, match=r"no provider 'yahoo'.*synthetic"):
        get_provider("yahoo")
    assert issubclass(NoData, MarketDataError)
