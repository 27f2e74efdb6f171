"""Providers: one fetch however many ask, nothing broken let in, and every answer kept."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.db import connection

from marketdata import store
from marketdata.calendar import trading_day
from marketdata.columns import BarColumns, no_bars
from marketdata.errors import MarketDataError, NoData, ProviderFailed
from marketdata.models import Dataset, DayVersion, FetchAttempt, Instrument
from marketdata.providers.base import (
    BarsAnswer,
    DatasetSpec,
    NoDataExists,
    Rows,
    get_provider,
    provider_dataset,
)
from marketdata.providers.fetching import ensure_day
from marketdata.providers.synthetic import make_day

DAY = dt.date(2025, 7, 2)
OPEN = round(trading_day(DAY).open.timestamp())
pytestmark = pytest.mark.django_db


class Vendor:
    """A vendor whose answer a test chooses; slow, so that callers overlap."""

    label = "start"
    authoritative = False
    dataset = DatasetSpec("vendor", "vendor", feed="sip")
    answer: BarsAnswer | MarketDataError
    asked = 0

    def __init__(self, name: str, pause: float = 0.0) -> None:
        self.name, self.pause = name, pause

    def fetch_bars(self, symbol: str, start: dt.datetime, end: dt.datetime, interval: str = "1m") -> BarsAnswer:
        Vendor.asked += 1
        time.sleep(self.pause)
        if isinstance(Vendor.answer, MarketDataError):
            raise Vendor.answer
        return Vendor.answer


def rows(bars: BarColumns) -> Rows:
    return Rows(bars.offset + OPEN, bars)


@pytest.fixture
def vendor(settings: Any) -> Iterator[type[Vendor]]:
    backend = {"BACKEND": f"{__name__}.Vendor", "OPTIONS": {"pause": 0.2}}
    settings.MARKETDATA_PROVIDERS = {**settings.MARKETDATA_PROVIDERS, "vendor": backend}
    get_provider.cache_clear()
    Vendor.asked, Vendor.answer = 0, rows(make_day("AAPL", trading_day(DAY)))
    yield Vendor
    get_provider.cache_clear()


def dataset() -> Dataset:
    return provider_dataset(get_provider("vendor"))


@pytest.mark.django_db(transaction=True)
def test_callers_at_once_fetch_once(vendor: type[Vendor]) -> None:
    made = dataset()

    def ask(_: int) -> None:
        try:
            ensure_day(made, "vendor", "AAPL", DAY)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, range(4)))
    assert vendor.asked == 1
    assert FetchAttempt.objects.get().attempts == 1
    assert DayVersion.objects.get().version == 1


def test_a_provider_keeps_its_own_dataset(vendor: type[Vendor]) -> None:
    made = dataset()
    assert (made.name, made.source, made.feed, made.synthetic, made.provider) == (
        *("vendor", "vendor", "sip", False, "vendor"),
    )
    assert dataset() == made
    ensure_day(made, "vendor", "AAPL", DAY)
    assert DayVersion.objects.get().origin == "provider vendor"


def test_no_data_is_reported_apart_from_a_failed_request_and_both_are_kept(vendor: type[Vendor]) -> None:
    vendor.answer = NoDataExists("listed on 2025-08-01")
    with pytest.raises(NoData, match="vendor has no bars of AAPL on 2025-07-02: listed on 2025-08-01"):
        ensure_day(dataset(), "vendor", "AAPL", DAY)
    vendor.answer = ProviderFailed("vendor answered 503")
    with pytest.raises(ProviderFailed, match="vendor answered 503"):
        ensure_day(dataset(), "vendor", "MSFT", DAY)
    kept = FetchAttempt.objects.order_by("instrument__symbol").values_list("outcome", "attempts")
    assert list(kept) == [("no_data", 1), ("failed", 1)]
    assert "503" in FetchAttempt.objects.get(outcome="failed").reason


def test_attempts_add_up_and_success_is_the_last_word(vendor: type[Vendor]) -> None:
    good, vendor.answer = vendor.answer, ProviderFailed("vendor answered 503")
    for _ in range(2):
        with pytest.raises(ProviderFailed):
            ensure_day(dataset(), "vendor", "AAPL", DAY)
    vendor.answer = good
    ensure_day(dataset(), "vendor", "AAPL", DAY)
    attempt = FetchAttempt.objects.get()
    assert (attempt.attempts, attempt.outcome, attempt.reason) == (3, "rows", "")


def test_an_answer_without_bars_is_no_day(vendor: type[Vendor]) -> None:
    vendor.answer = rows(no_bars())
    with pytest.raises(NoData, match="vendor has no bars of AAPL on 2025-07-02: its answer is empty"):
        ensure_day(dataset(), "vendor", "AAPL", DAY)
    assert not DayVersion.objects.exists()


def shifted(bars: BarColumns, row: int, seconds: int) -> BarColumns:
    offset = bars.offset.copy()
    offset[row] += seconds
    return replace(bars, offset=offset)


def lowered(bars: BarColumns) -> BarColumns:
    high = bars.high.copy()
    high[1] = 0.5 * bars.low[1]
    return replace(bars, high=high)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(lowered, "13:31Z: high is below open or close", id="high-below-close"),
        pytest.param(
            lambda bars: shifted(bars, 2, 30), "13:32Z: the stamp is not on a whole minute", id="off-the-grid"
        ),
        pytest.param(lambda bars: shifted(bars, 0, -60), "13:29Z: .*outside the session", id="before-the-open"),
        pytest.param(lambda bars: shifted(bars, 389, 60), "20:00Z: .*outside the session", id="at-the-close"),
        pytest.param(lambda bars: shifted(bars, 3, -60), "13:32Z: .*not after the one before it", id="twice"),
        pytest.param(lambda bars: bars.take(slice(None, None, -1)), "19:58Z: .*not after", id="backwards"),
    ],
)
def test_a_broken_answer_is_a_failure_that_names_the_bar_and_nothing_is_stored(
    vendor: type[Vendor], spoil: Any, message: str
) -> None:
    vendor.answer = rows(spoil(make_day("AAPL", trading_day(DAY))))
    with pytest.raises(ProviderFailed, match=rf"vendor sent a broken bar of AAPL at 2025-07-02T{message}"):
        ensure_day(dataset(), "vendor", "AAPL", DAY)
    assert not DayVersion.objects.exists()
    assert FetchAttempt.objects.get().outcome == "failed"


def test_an_unknown_symbol_leaves_no_instrument_behind() -> None:
    with pytest.raises(MarketDataError, match="is not a ticker"):
        ensure_day(provider_dataset(get_provider("synthetic")), "synthetic", "TOOLONGX", DAY)
    assert not Instrument.objects.exists()


def test_only_the_days_own_minutes_are_asked_for_and_absent_ones_are_marked(vendor: type[Vendor]) -> None:
    bars = make_day("AAPL", trading_day(DAY))
    vendor.answer = rows(bars.take(~np.isin(bars.offset // 60, [0, 200, 389])))
    made = dataset()
    ensure_day(made, "vendor", "AAPL", DAY)
    assert store.load_day(made.pk, DAY, ["AAPL"])["AAPL"].ledger == "A" + "T" * 199 + "A" + "T" * 188 + "A"
