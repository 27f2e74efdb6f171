"""Alpaca through its own SDK, against a server that speaks its wire form: rows, nothing, and every failure."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from marketdata import store
from marketdata.errors import MarketDataError, NoData, ProviderFailed, ProviderRefused, UnknownSymbol
from marketdata.providers.base import NoDataExists, Rows, get_provider, provider_dataset
from marketdata.providers.fetching import ensure_symbols
from marketdata.providers.together import ask_together
from tests.marketdata.alpaca_days import DAY, WHOLE, closes, wire_day
from tests.marketdata.alpaca_vendor import (
    Failure,
    Vendor,
    cut,
    half_a_json,
    html,
    page,
    provider,
    serving,
    status,
    truncated,
)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as running:
        running.bars["AAPL"] = wire_day(DAY)
        yield running


def ask(vendor: Vendor, symbol: str = "AAPL", **options: Any) -> Rows | NoDataExists:
    return provider(vendor, **options).fetch_bars(symbol, DAY.open, DAY.close)


def test_a_day_is_its_session_and_no_minute_more(vendor: Vendor) -> None:
    answer = ask(vendor)
    assert isinstance(answer, Rows)
    assert closes(answer) == pytest.approx(WHOLE)
    first, last = (dt.datetime.fromtimestamp(int(answer.stamps[i]), dt.UTC) for i in (0, -1))
    assert (f"{first:%H:%M}", f"{last:%H:%M}") == ("14:30", "20:59"), "09:30 and 15:59 in New York"
    assert (answer.bars.open[0], answer.bars.high[0], answer.bars.low[0]) == (100.5, 200.25, 100)
    assert (answer.bars.volume[1], answer.bars.trade_count[1], answer.bars.vwap[1]) == (1001, 10, 100.625)


def test_feed_and_adjustment_are_asked_for_and_make_the_dataset(vendor: Vendor) -> None:
    ask(vendor, feed="iex", adjustment="split")
    assert {**vendor.asked[0], "feed": "iex", "adjustment": "split", "timeframe": "1Min"} == vendor.asked[0]
    made = provider(vendor, feed="iex", adjustment="split").dataset
    assert (made.name, made.source, made.feed, made.price_mode) == ("alpaca-iex-split", "alpaca", "iex", "split")
    assert provider(vendor).authoritative and not provider(vendor, feed="iex").authoritative


def test_counts_that_the_vendor_leaves_out_are_absent(vendor: Vendor) -> None:
    vendor.bars["AAPL"] = [{**row, "n": None, "vw": None} for row in vendor.bars["AAPL"]]
    answer = ask(vendor)
    assert isinstance(answer, Rows)
    assert np.isnan(answer.bars.trade_count).all() and np.isnan(answer.bars.vwap).all()


def test_pages_are_followed_to_the_last(vendor: Vendor) -> None:
    vendor.page_size = 100
    assert closes(ask(vendor)) == pytest.approx(WHOLE)
    assert len(vendor.asked) == 4


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(status(429, "too many requests."), id="rate limit"),
        pytest.param(status(500, "oops"), id="500"),
        pytest.param(html(502), id="a proxy's page"),
        pytest.param(status(503), id="503"),
        pytest.param(truncated, id="a truncated body"),
        pytest.param(half_a_json, id="half a JSON"),
        pytest.param(cut, id="a cut connection"),
        pytest.param(page({}), id="no page at all"),
        pytest.param(page({"bars": None, "next_page_token": None}), id="bars that are null"),
        pytest.param(page({"bars": {"AAPL": None}, "next_page_token": None}), id="a symbol's that are null"),
    ],
)
def test_a_passing_failure_costs_a_second_request_and_nothing_else(vendor: Vendor, failure: Failure) -> None:
    vendor.page_size = 200
    vendor.failures.append(lambda handler: handler.answer(200, vendor.page(vendor.asked[-1])))
    vendor.failures.append(failure)
    assert closes(ask(vendor)) == pytest.approx(WHOLE)
    assert len(vendor.asked) == 3
    assert vendor.asked[1] == vendor.asked[2]


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        pytest.param(status(429, "too many requests."), "alpaca answered 429: too many requests.", id="rate limit"),
        pytest.param(html(502), "alpaca answered 502: <html>", id="a proxy's page"),
        pytest.param(truncated, "the connection broke", id="a truncated body"),
        pytest.param(half_a_json, "the answer is cut off", id="half a JSON"),
        pytest.param(cut, "the connection broke", id="a cut connection"),
        pytest.param(page({"message": "hello"}), "the answer is no page of bars", id="no page at all"),
    ],
)
def test_one_that_stays_is_a_failure_and_never_no_data(vendor: Vendor, failure: Failure, message: str) -> None:
    vendor.failures.extend([failure] * 3)
    with pytest.raises(ProviderFailed, match=message):
        ask(vendor, tries=3)
    assert len(vendor.asked) == 3


def test_the_vendor_says_how_long_to_wait_and_is_obeyed(vendor: Vendor) -> None:
    vendor.failures.append(status(429, "too many requests.", Retry_After="1"))
    begun = time.monotonic()
    assert closes(ask(vendor)) == pytest.approx(WHOLE)
    assert time.monotonic() - begun >= 1


def test_a_wait_beyond_patience_is_a_failure_that_says_so(vendor: Vendor) -> None:
    vendor.failures.append(status(429, "too many requests.", Retry_After="3600"))
    with pytest.raises(ProviderFailed, match="it asks to wait 3600 s, the most is 120"):
        ask(vendor)
    assert len(vendor.asked) == 1


def test_bad_keys_are_a_refusal_at_once(vendor: Vendor) -> None:
    with pytest.raises(ProviderRefused, match="alpaca answered 401: unauthorized"):
        ask(vendor, api_key="wrong")
    assert len(vendor.asked) == 1


def test_a_plan_that_does_not_allow_it_is_a_refusal_in_the_vendors_words(vendor: Vendor) -> None:
    vendor.failures.append(status(403, "subscription does not permit querying recent SIP data"))
    with pytest.raises(ProviderRefused, match="403: subscription does not permit"):
        ask(vendor)


def test_a_page_that_is_missing_is_a_failure_of_the_whole_day(vendor: Vendor) -> None:
    vendor.page_size = 200
    vendor.failures.append(lambda handler: handler.answer(200, vendor.page(vendor.asked[-1])))
    vendor.failures.append(status(404, "page not found"))
    with pytest.raises(ProviderFailed, match="alpaca answered 404: page not found"):
        ask(vendor)


def test_an_empty_page_that_was_promised_is_a_failure_not_the_end(vendor: Vendor) -> None:
    vendor.page_size = 200
    vendor.failures.append(lambda handler: handler.answer(200, vendor.page(vendor.asked[-1])))
    vendor.failures.extend([page({"bars": {}, "next_page_token": None})] * 2)
    with pytest.raises(ProviderFailed, match="the last page is empty though the one before it promised more"):
        ask(vendor, tries=2)


@pytest.mark.parametrize("token", ["", "again"])
def test_a_page_that_names_itself_ends_in_a_failure_not_in_a_loop(vendor: Vendor, token: str) -> None:
    vendor.failures.extend([page({"bars": {"AAPL": vendor.bars["AAPL"][:5]}, "next_page_token": token})] * 3)
    with pytest.raises(ProviderFailed, match="names itself as the next one"):
        ask(vendor)


def test_a_silent_empty_page_is_not_believed_at_once(vendor: Vendor) -> None:
    vendor.failures.append(page({"bars": {}, "next_page_token": None}))
    assert closes(ask(vendor)) == pytest.approx(WHOLE)


def test_what_stays_empty_does_not_exist(vendor: Vendor) -> None:
    answer = ask(vendor, "ZZZ")
    assert answer == NoDataExists("feed sip has no bars from 2024-11-18 14:30 to 2024-11-18 21:00 UTC")
    assert len(vendor.asked) == 2


def test_a_symbol_that_the_vendor_does_not_take_is_unknown(vendor: Vendor) -> None:
    vendor.failures.append(status(400, "invalid symbol: BAD$YM"))
    with pytest.raises(UnknownSymbol, match="invalid symbol: BAD"):
        ask(vendor, "BAD$YM")


def test_a_bar_that_is_none_is_a_failure(vendor: Vendor) -> None:
    vendor.bars["AAPL"][100] = {"t": "2024-11-18T15:10:00Z", "o": 1}
    with pytest.raises(ProviderFailed, match="something that is no bar"):
        ask(vendor)


def test_requests_keep_the_vendors_pace(vendor: Vendor) -> None:
    vendor.page_size = 100
    begun = time.monotonic()
    ask(vendor, requests_a_minute=600)
    assert time.monotonic() - begun >= 0.3, "four requests, a tenth of a second apart"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"feed": "cta"}, "feed 'cta' is none of alpaca's: give sip, iex", id="feed"),
        pytest.param({"adjustment": "some"}, "adjustment 'some' is none of alpaca's: give raw", id="adjustment"),
        pytest.param({"api_key": ""}, "has no keys: set APCA_API_KEY_ID", id="keys"),
    ],
)
def test_options_that_cannot_work_are_reported(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch, options: dict[str, str], message: str
) -> None:
    monkeypatch.delenv("APCA_API_KEY_ID", raising=False)
    with pytest.raises(MarketDataError, match=message):
        provider(vendor, **options)


def test_keys_come_from_the_environment(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", "key")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "secret")
    assert len(closes(ask(vendor, api_key="", secret_key=""))) == 390


NAMES = [f"S{number:03}" for number in range(100)]


@pytest.fixture
def hundred(vendor: Vendor) -> Vendor:
    vendor.bars = dict.fromkeys(NAMES, vendor.bars["AAPL"])
    return vendor


def test_a_hundred_symbols_are_one_question_of_four_pages(hundred: Vendor) -> None:
    answers = ask_together(provider(hundred), NAMES, [DAY])
    assert sorted(answers) == NAMES
    assert all(closes(answer) == pytest.approx(WHOLE) for answer in answers.values())  # type: ignore[arg-type]
    assert len(hundred.asked) == 4


@pytest.mark.parametrize("failure", [status(429), status(503), cut, truncated, half_a_json])
def test_a_passing_failure_of_a_page_of_many_costs_one_request(hundred: Vendor, failure: Failure) -> None:
    hundred.failures.append(failure)
    assert sorted(ask_together(provider(hundred), NAMES, [DAY])) == NAMES
    assert len(hundred.asked) == 5


def test_a_page_of_many_that_stays_away_is_every_symbols_failure_and_no_ones_proof(hundred: Vendor) -> None:
    hundred.failures.extend([status(503)] * 3)
    answers = ask_together(provider(hundred, tries=3), NAMES, [DAY])
    assert sorted(answers) == NAMES
    assert all(isinstance(answer, ProviderFailed) for answer in answers.values())


def test_a_broken_bar_among_many_symbols_is_the_failure_of_its_own(hundred: Vendor) -> None:
    hundred.bars["S007"] = [{"t": bar["t"]} for bar in hundred.bars["S007"]]
    answers = ask_together(provider(hundred), NAMES, [DAY])
    assert [name for name, answer in answers.items() if isinstance(answer, ProviderFailed)] == ["S007"]


def test_a_symbol_that_the_vendor_does_not_take_costs_the_others_nothing(hundred: Vendor) -> None:
    def choosy(handler: Any) -> None:
        query = hundred.asked[-1]
        hundred.failures.append(choosy)
        if "S042" in query["symbols"].split(","):
            handler.answer(400, {"message": "invalid symbol: S042"})
        else:
            handler.answer(200, hundred.page(query))

    hundred.failures.append(choosy)
    left = set(NAMES) - set(ask_together(provider(hundred), NAMES, [DAY]))
    assert left == {"S040", "S041", "S042"}, "it and its neighbors of the last halves are asked for alone"


@pytest.mark.django_db
def test_many_symbols_days_come_into_the_store_and_the_one_that_is_not_there_is_reported(
    hundred: Vendor, settings: Any
) -> None:
    options = {"api_key": "key", "secret_key": "secret", "base_url": hundred.url, "requests_a_minute": 60_000}
    settings.MARKETDATA_PROVIDERS = {
        "many": {"BACKEND": "marketdata.providers.alpaca.AlpacaProvider", "OPTIONS": options}
    }
    get_provider.cache_clear()
    dataset = provider_dataset(get_provider("many"))
    del hundred.bars["S050"]
    problems = ensure_symbols(dataset, "many", NAMES, DAY.date)
    assert list(problems) == ["S050"] and isinstance(problems["S050"], NoData)
    assert len(hundred.asked) == 4 + 2, "what has no row is asked for alone, twice"
    held = store.load_day(dataset.pk, DAY.date, NAMES)
    assert len(held) == 99 and all(len(day.bars) == 390 for day in held.values())
    assert list(ensure_symbols(dataset, "many", NAMES, DAY.date)) == ["S050"]
    assert len(hundred.asked) == 4 + 2 + 2, "what the store has is not asked for again"
    get_provider.cache_clear()
