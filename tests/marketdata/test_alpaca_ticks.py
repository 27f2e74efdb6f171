"""Alpaca's trades and quotes through its own SDK, page by page, against a server that speaks its wire form."""

from __future__ import annotations

import datetime as dt
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from marketdata.calendar import trading_day
from marketdata.columns import TickColumns
from marketdata.columns.tick_columns import CORRECTED
from marketdata.errors import ProviderFailed, ProviderRefused
from marketdata.kinds import DayKind
from marketdata.providers.alpaca_client import request
from marketdata.providers.alpaca_query import VendorQuery
from marketdata.providers.alpaca_ticks import from_pages
from marketdata.providers.base import NoDataExists, get_provider, provider_dataset
from marketdata.providers.tick_fetching import ensure_ticks
from marketdata.store import find_days
from tests.marketdata.alpaca_vendor import (
    Failure,
    Handler,
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

DAY = trading_day(dt.date(2024, 11, 18))


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as running:
        yield running


def a_trade(nanoseconds: int, price: float, **fields: Any) -> dict[str, Any]:
    second, rest = divmod(nanoseconds, 1_000_000_000)
    stamp = f"{DAY.open + dt.timedelta(seconds=second):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
    return {"t": stamp, "p": price, "s": 100, "x": "V", "c": ["@", "I"], "i": 1, "z": "C", **fields}


def test_trades_keep_their_nanoseconds_and_their_order(vendor: Vendor) -> None:
    vendor.page_size = 2
    vendor.trades["AAPL"] = [a_trade(1, 100.5), a_trade(1, 100.25), a_trade(999_999_999, 101, u="canceled", c=[])]
    answer = provider(vendor).fetch_trades("AAPL", DAY.open, DAY.close)
    assert isinstance(answer, TickColumns)
    assert (answer.at - round(DAY.open.timestamp()) * 10**9).tolist() == [1, 1, 999_999_999]
    assert answer.value("price").tolist() == [100.5, 100.25, 101]
    assert [answer.words[code] for code in answer.code("condition")] == ["@,I", "@,I", ""]
    assert [answer.words[code] for code in answer.code("exchange")] == ["V"] * 3
    assert answer.flags.tolist() == [0, 0, CORRECTED]


def test_a_quotes_empty_side_is_absent(vendor: Vendor) -> None:
    row = {"t": "2024-11-18T14:30:00.5Z", "bp": 100.0, "bs": 200, "bx": "V", "ap": 0, "as": 0, "ax": "", "c": ["R"]}
    vendor.quotes["AAPL"] = [row, {**row, "ap": 100.5, "as": 300, "ax": "P"}]
    answer = provider(vendor).fetch_quotes("AAPL", DAY.open, DAY.close)
    assert isinstance(answer, TickColumns)
    assert answer.value("bid").tolist() == [100.0, 100.0]
    assert np.isnan(answer.value("ask")[0]) and np.isnan(answer.value("ask_size")[0])
    assert (answer.value("ask")[1], answer.value("ask_size")[1]) == (100.5, 300)


def a_page(handler: Handler) -> None:
    handler.answer(200, handler.vendor.page(handler.vendor.asked[-1], "trades"))


@pytest.fixture
def paged(vendor: Vendor) -> Vendor:
    """Ten trades on three pages; the failures that a test adds come after the first."""
    vendor.trades["AAPL"], vendor.page_size = [a_trade(i, 100 + i) for i in range(10)], 4
    vendor.failures.append(a_page)
    return vendor


NO_MORE = page({"trades": {}, "next_page_token": None})


@pytest.mark.parametrize(
    "failure",
    [
        *(pytest.param(each, id=each.__name__) for each in (truncated, half_a_json, cut)),
        *(pytest.param(status(code), id=str(code)) for code in (429, 500, 503)),
        pytest.param(NO_MORE, id="an empty page"),
        pytest.param(page({"quotes": {"AAPL": []}, "next_page_token": None}), id="a page of something else"),
    ],
)
def test_a_failure_in_the_midst_of_trades_passes_like_one_of_bars(paged: Vendor, failure: Failure) -> None:
    paged.failures.append(failure)
    answer = provider(paged).fetch_trades("AAPL", DAY.open, DAY.close)
    assert isinstance(answer, TickColumns) and answer.value("price").tolist() == [100 + i for i in range(10)]
    assert len(paged.asked) == 4 and paged.asked[1] == paged.asked[2]


@pytest.mark.parametrize(
    ("failure", "error", "message"),
    [
        pytest.param(status(401, "unauthorized"), ProviderRefused, "alpaca answered 401: unauthorized", id="401"),
        pytest.param(status(404, "not found"), ProviderFailed, "alpaca answered 404: not found", id="404"),
        pytest.param(status(429, "slow"), ProviderFailed, "alpaca answered 429: slow", id="429"),
        pytest.param(html(502), ProviderFailed, "alpaca answered 502", id="502"),
        pytest.param(truncated, ProviderFailed, "the connection broke", id="a truncated body"),
        pytest.param(half_a_json, ProviderFailed, "the answer is cut off", id="half a JSON"),
        pytest.param(cut, ProviderFailed, "the connection broke", id="a cut connection"),
        pytest.param(NO_MORE, ProviderFailed, "the last page is empty", id="an empty page"),
    ],
)
def test_one_page_that_stays_away_is_the_failure_of_all_trades(
    paged: Vendor, failure: Failure, error: type[Exception], message: str
) -> None:
    paged.failures.extend([failure] * 2)
    with pytest.raises(error, match=message):
        provider(paged, tries=2).fetch_trades("AAPL", DAY.open, DAY.close)


def test_what_pages_hold_is_one_day_whatever_their_words(paged: Vendor) -> None:
    for number, exchange in enumerate("ZYXWVUTSRQ"):
        paged.trades["AAPL"][number]["x"] = exchange
    answer = provider(paged).fetch_trades("AAPL", DAY.open, DAY.close)
    assert isinstance(answer, TickColumns)
    assert "".join(answer.words[code] for code in answer.code("exchange")) == "ZYXWVUTSRQ"
    paged.page_size = 10_000
    whole = provider(paged).fetch_trades("AAPL", DAY.open, DAY.close)
    assert isinstance(whole, TickColumns) and whole.content_hash() == answer.content_hash()


def test_a_page_is_asked_for_when_the_one_before_it_is_columns(paged: Vendor) -> None:
    class Rows(list[dict[str, Any]]):
        """A page's rows, of which one can see when nobody has them any more."""

    seen: list[weakref.ref[Rows]] = []
    alive: list[int] = []
    query = VendorQuery("trades", ["AAPL"], DAY.open, DAY.close)

    def watched() -> Iterator[Rows]:
        for found in provider(paged).client.pages("trades", request(query, "sip", "raw")):
            gc.collect()  # what waits for the collector of cycles is held by nobody
            alive.append(sum(ref() is not None for ref in seen))
            assert len(paged.asked) == len(alive), "no page ahead of its reader"
            rows = Rows(found["AAPL"])
            seen.append(weakref.ref(rows))
            yield rows
            del rows

    assert len(from_pages(DayKind.TRADES, watched())) == 10
    assert max(alive) <= 1, "of however many pages, the rows of one are held while the next comes"


def test_no_trades_and_no_trade_are_reported_apart(vendor: Vendor) -> None:
    answer = provider(vendor).fetch_trades("AAPL", DAY.open, DAY.close)
    assert answer == NoDataExists("feed sip has no trades from 2024-11-18 14:30 to 2024-11-18 21:00 UTC")
    vendor.trades["AAPL"] = [{"t": "2024-11-18T14:30:00Z", "s": 1}]
    with pytest.raises(ProviderFailed, match="something that is no trade"):
        provider(vendor).fetch_trades("AAPL", DAY.open, DAY.close)


@pytest.mark.django_db
def test_a_days_trades_and_quotes_come_into_the_store(vendor: Vendor, settings: Any) -> None:
    options = {"base_url": vendor.url, "api_key": "key", "secret_key": "secret", "requests_a_minute": 60_000}
    backend = {"BACKEND": "marketdata.providers.alpaca.AlpacaProvider", "OPTIONS": options}
    settings.MARKETDATA_PROVIDERS = {"alpaca": backend}
    get_provider.cache_clear()
    vendor.trades["AAPL"] = [a_trade(i * 10**9, 100 + i) for i in range(10)]
    dataset = provider_dataset(get_provider("alpaca"))
    ensure_ticks(dataset, "alpaca", DayKind.TRADES, "AAPL", DAY.date)
    get_provider.cache_clear()
    (stored,) = find_days(dataset.pk, DayKind.TRADES, DAY.date, ["AAPL"]).values()
    assert stored.row_count == 10
