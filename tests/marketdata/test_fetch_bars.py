"""`fetch_bars`: only missing days are asked for, in parallel within the limits, and a run can be resumed."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from marketdata import store
from marketdata.calendar import TradingDay, trading_days
from marketdata.models import Dataset, DayVersion, FetchAttempt
from marketdata.providers.base import get_provider
from marketdata.providers.daily import daily_of, differences
from tests.marketdata.alpaca_vendor import Vendor, page, serving, status
from tests.marketdata.test_alpaca import wire_day

pytestmark = pytest.mark.django_db(transaction=True)
DAYS = trading_days(dt.date(2024, 11, 18), dt.date(2024, 12, 6))
"""Three weeks with Thanksgiving and the half day after it: 14 trading days."""


@pytest.fixture
def vendor(settings: Any) -> Iterator[Vendor]:
    with serving() as running:
        for symbol in ("AAPL", "MSFT"):
            running.bars[symbol] = [row for day in DAYS for row in wire_day(day)]
        options = {"base_url": running.url, "api_key": "key", "secret_key": "secret", "tries": 2, "first_wait": 0.01}
        options |= {"requests_a_minute": 60_000}
        backend = {"BACKEND": "marketdata.providers.alpaca.AlpacaProvider", "OPTIONS": options}
        settings.MARKETDATA_PROVIDERS = {**settings.MARKETDATA_PROVIDERS, "alpaca": backend}
        get_provider.cache_clear()
        yield running
        get_provider.cache_clear()


def fetch(*symbols: str, start: str = "2024-11-18", end: str = "2024-12-06", **options: Any) -> dict[str, Any]:
    out = StringIO()
    options = {"provider": "alpaca", "json": True, "stdout": out, **options}
    call_command("fetch_bars", *symbols, start=dt.date.fromisoformat(start), end=dt.date.fromisoformat(end), **options)
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def stored(symbol: str) -> dict[dt.date, int]:
    days = DayVersion.objects.current().filter(instrument__symbol=symbol)
    return dict(days.values_list("date", "row_count"))


def whole(days: list[TradingDay]) -> dict[dt.date, int]:
    return {day.date: day.minutes for day in days}


def test_every_day_comes_whole_over_a_holiday_and_a_half_day_in_few_questions(vendor: Vendor) -> None:
    reported = fetch("AAPL", "MSFT")
    assert (reported["dataset"], reported["fetched"], reported["held"], reported["asked"]) == ("alpaca-sip", 28, 0, 28)
    assert stored("AAPL") == stored("MSFT") == whole(DAYS)
    assert stored("AAPL")[dt.date(2024, 11, 29)] == 210
    assert len(vendor.asked) == 2


def test_only_missing_days_are_asked_for(vendor: Vendor) -> None:
    fetch("AAPL", start="2024-11-20", end="2024-11-21")
    vendor.asked.clear()
    reported = fetch("AAPL")
    assert (reported["fetched"], reported["held"]) == (12, 2)
    spans = sorted((query["start"][:10], query["end"][:10]) for query in vendor.asked)
    assert spans == [("2024-11-18", "2024-11-19"), ("2024-11-22", "2024-12-06")]
    vendor.asked.clear()
    assert fetch("AAPL")["fetched"] == 0 and not vendor.asked


def test_a_run_that_failed_half_way_is_taken_up_where_it_was(vendor: Vendor) -> None:
    vendor.failures.extend([status(500)] * 2)
    with pytest.raises(CommandError, match="14 days failed: the same command asks for them again"):
        fetch("AAPL", "MSFT", parallel=1)
    assert (stored("AAPL"), stored("MSFT")) == ({}, whole(DAYS))
    assert set(FetchAttempt.objects.values_list("instrument__symbol", "outcome")) == {
        ("AAPL", "failed"),
        ("MSFT", "rows"),
    }
    vendor.asked.clear()
    assert fetch("AAPL", "MSFT")["fetched"] == 14
    assert {query["symbols"] for query in vendor.asked} == {"AAPL"}


def test_a_day_that_is_missing_in_a_long_answer_is_asked_for_alone_before_it_is_believed(vendor: Vendor) -> None:
    whole_answer = vendor.bars["AAPL"]
    kept = [row for row in whole_answer if not row["t"].startswith("2024-11-20")]
    vendor.failures.append(page({"bars": {"AAPL": kept[:9000]}, "next_page_token": None}))
    assert fetch("AAPL")["fetched"] == 14
    assert stored("AAPL") == whole(DAYS)


def test_no_data_is_remembered_and_asked_for_again_only_on_request(vendor: Vendor) -> None:
    reported = fetch("NEWCO", end="2024-11-19")
    assert [row["date"] for row in reported["no_data"]] == ["2024-11-18", "2024-11-19"]
    assert "alpaca has no bars of NEWCO on 2024-11-18" in reported["no_data"][0]["reason"]
    vendor.asked.clear()
    reported = fetch("NEWCO", end="2024-11-19")
    assert (reported["known_without"], reported["asked"]) == (2, 0) and not vendor.asked
    vendor.bars["NEWCO"] = wire_day(DAYS[0])
    assert fetch("NEWCO", end="2024-11-19", again=True)["fetched"] == 1


def test_refused_keys_end_the_run_at_once(vendor: Vendor) -> None:
    vendor.key = "another"
    with pytest.raises(CommandError, match="alpaca answered 401: unauthorized"):
        fetch("AAPL", "MSFT", "IBM", "SPY", "QQQ", parallel=1)
    assert len(vendor.asked) < 5


def test_an_unknown_symbol_is_named_and_the_others_are_fetched(vendor: Vendor) -> None:
    vendor.failures.append(status(400, "invalid symbol: BADX"))
    with pytest.raises(CommandError, match="invalid symbol: BADX"):
        fetch("BADX", "AAPL", parallel=1)
    assert stored("AAPL") == whole(DAYS)


def test_no_more_questions_at_once_than_the_vendor_takes(vendor: Vendor, settings: Any) -> None:
    now, most, lock = [0], [0], threading.Lock()
    answer = vendor.page

    def counted(query: dict[str, str]) -> dict[str, Any]:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.1)
        with lock:
            now[0] -= 1
        return answer(query)

    vendor.page = counted  # type: ignore[method-assign]
    vendor.bars |= {f"S{i}": wire_day(DAYS[0]) for i in range(9)}
    fetch(*(f"S{i}" for i in range(9)), end="2024-11-18", parallel=50)
    assert 1 < most[0] <= 4


def test_many_symbols_of_a_day_are_asked_for_together_and_those_that_it_lacks_alone(vendor: Vendor) -> None:
    names = [f"S{number}" for number in range(40)]
    vendor.bars |= {name: wire_day(DAYS[0]) for name in names[:-1]}
    reported = fetch(*names, end="2024-11-18")
    assert (reported["fetched"], [row["symbol"] for row in reported["no_data"]]) == (39, ["S39"])
    asked = [query["symbols"].split(",") for query in vendor.asked]
    assert sorted(len(together) for together in asked) == [1, 1, 10, 10, 10, 10]  # an empty answer twice
    assert fetch(*names, end="2024-11-18")["asked"] == 0


def test_days_that_symbols_lack_in_common_are_asked_for_together(vendor: Vendor) -> None:
    vendor.bars |= {name: [row for day in DAYS for row in wire_day(day)] for name in "CDEFGHIJ"}
    fetch("AAPL", *"CDEF", start="2024-11-20", end="2024-11-20")
    vendor.asked.clear()
    reported = fetch("AAPL", *"CDEFGHIJ", start="2024-11-19", end="2024-11-21")
    assert (reported["fetched"], reported["held"]) == (22, 5)
    spans = {(query["start"][8:10], query["end"][8:10], query["symbols"].count(",") + 1) for query in vendor.asked}
    assert spans == {("19", "19", 2), ("19", "19", 1), ("21", "21", 2), ("21", "21", 1), ("19", "21", 1)}


def test_what_was_fetched_is_what_the_vendor_sent(vendor: Vendor) -> None:
    fetch("AAPL", end="2024-11-18")
    dataset = Dataset.objects.get(name="alpaca-sip")
    bars = store.load_day(dataset.pk, DAYS[0].date, ["AAPL"])["AAPL"].bars
    assert np.allclose(bars.close, 100.75 + np.arange(390) / 100)
    assert dataset.provider == "alpaca" and not dataset.synthetic


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(
            {"provider": "acme"}, "There is no provider 'acme': MARKETDATA_PROVIDERS has alpaca", id="provider"
        ),
        pytest.param({"end": "2024-11-17"}, "--end 2024-11-17 is before --start 2024-11-18", id="window"),
        pytest.param({"start": "2024-11-16", "end": "2024-11-17"}, "no trading day from 2024-11-16", id="weekend"),
        pytest.param({"parallel": -1}, "--parallel -1 is not possible: give 1 to 4", id="parallel"),
    ],
)
def test_what_cannot_be_asked_is_reported(vendor: Vendor, options: dict[str, Any], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        fetch("AAPL", **options)


def test_what_is_no_symbol_is_named_before_anything_is_asked(vendor: Vendor) -> None:
    with pytest.raises(CommandError, match=r"'BAD:' is not a symbol: one to twenty-four letters"):
        fetch("AAPL", "bad:")
    assert not vendor.asked


def test_daily_bars_come_with_their_prices_and_without_counts_of_more_than_the_session(vendor: Vendor) -> None:
    bar = {"o": 100.5, "h": 200.25, "l": 100, "c": 104.0, "v": 10**9, "n": 5, "vw": 101.0}
    vendor.daily["AAPL"] = [{"t": "2024-11-18T05:00:00Z", **bar}, {"t": "2024-11-19T05:00:00Z", **bar}]
    reported = fetch("AAPL", "MSFT", end="2024-11-19", daily=True)
    assert reported["daily"] == {"AAPL": 2, "MSFT": "alpaca has no daily bars of MSFT from 2024-11-18 to 2024-11-19."}
    dataset = Dataset.objects.get(name="alpaca-sip")
    daily = daily_of(dataset.pk, DAYS[0].date, ["AAPL", "MSFT"])
    assert list(daily) == ["AAPL"]
    assert (daily["AAPL"].open[0], daily["AAPL"].close[0]) == (100.5, 104.0)
    assert np.isnan(daily["AAPL"].volume[0])
    minutes = store.load_day(dataset.pk, DAYS[0].date, ["AAPL"])["AAPL"].bars
    assert differences(minutes, 390, daily["AAPL"]) == {"close": [pytest.approx(104.64), 104.0]}


def test_a_provider_without_daily_bars_says_so(vendor: Vendor) -> None:
    reported = fetch("AAPL", end="2024-11-18", provider="synthetic", daily=True)
    assert reported["daily"] == {"AAPL": "synthetic makes minutes only, no 1d."}
