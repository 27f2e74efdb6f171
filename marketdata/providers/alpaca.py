"""Alpaca's market data through its official SDK (the extra `tapedeck[alpaca]`: requirements-alpaca.txt)."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from marketdata.columns import BarColumns
from marketdata.errors import MarketDataError, ProviderFailed
from marketdata.exchange_calendar import NEW_YORK_STOCKS
from marketdata.kinds import DayKind
from marketdata.providers.alpaca_query import VendorQuery
from marketdata.providers.alpaca_ticks import from_pages
from marketdata.providers.base import BarsAnswer, DatasetSpec, Label, NoDataExists, Rows
from marketdata.providers.tick_fetching import TicksAnswer
from marketdata.providers.together import Ahead

if TYPE_CHECKING:
    from marketdata.providers.alpaca_client import Page, PatientClient

FEEDS = ("sip", "iex", "delayed_sip", "otc", "boats", "overnight")
ADJUSTMENTS = ("raw", "split", "dividend", "all")
VALUES = ("o", "h", "l", "c", "v", "n", "vw")
FRAMES = ("1m", "1d")
Row = dict[str, Any]
T = TypeVar("T")


class AlpacaProvider:
    """Bars, trades and quotes of one feed; bars in one adjustment. The dataset is named after both.

    Keys: the options or APCA_API_KEY_ID and APCA_API_SECRET_KEY. `requests_a_minute`: the plan's limit.
    An absent minute of the consolidated feed (sip) had no eligible trade; a single venue's proves nothing.
    """

    label: Label = "start"
    exchanges = (NEW_YORK_STOCKS,)
    deadline_seconds = 900.0
    """A day of quotes is hundreds of pages, at most `requests_a_minute` of them a minute."""
    days_per_question = 20
    """Twenty full days are 7,800 bars: one page of the vendor's, which holds 10,000."""
    symbols_per_question = 100
    """A full day of a hundred symbols is four pages; their names fit into an address."""

    def __init__(
        self,
        name: str,
        *,
        api_key: str = "",
        secret_key: str = "",
        feed: str = "sip",
        adjustment: str = "raw",
        base_url: str = "",
        authoritative: bool | None = None,
        requests_a_minute: float = 200,
        parallel: int = 4,
        tries: int = 5,
        first_wait: float = 0.5,
    ) -> None:
        _one_of("feed", feed, FEEDS)
        _one_of("adjustment", adjustment, ADJUSTMENTS)
        self.name, self.feed, self.adjustment, self.parallel = name, feed, adjustment, parallel
        self.authoritative = feed == "sip" if authoritative is None else authoritative
        dataset = f"{name}-{feed}" + ("" if adjustment == "raw" else f"-{adjustment}")
        self.dataset = DatasetSpec(dataset, "alpaca", feed=feed, price_mode=adjustment)
        key = api_key or os.environ.get("APCA_API_KEY_ID", "")
        secret = secret_key or os.environ.get("APCA_API_SECRET_KEY", "")
        if not (key and secret):
            raise MarketDataError(
                f"Provider {name} has no keys: set APCA_API_KEY_ID and APCA_API_SECRET_KEY, or its options "
                "api_key and secret_key."
            )
        if not find_spec("alpaca"):
            raise MarketDataError(f"Provider {name} needs Alpaca's SDK: pip install -r requirements-alpaca.txt.")
        self._options: dict[str, Any] = {
            "api_key": key,
            "secret_key": secret,
            "url_override": base_url.rstrip("/") or None,
            "a_minute": requests_a_minute,
            "tries": tries,
            "first_wait": first_wait,
        }
        self._lock = threading.Lock()

    @cached_property
    def client(self) -> PatientClient:
        """One for all threads, which share its pace. Made late: the SDK takes half a second to import."""
        from marketdata.providers.alpaca_client import PatientClient

        return PatientClient(**self._options)

    def fetch_bars(self, symbol: str, start: dt.datetime, end: dt.datetime, interval: str = "1m") -> BarsAnswer:
        """Bars of an interval. A daily bar's counts are left out: only its prices are of the regular session."""
        if interval not in FRAMES:
            raise MarketDataError(f"Interval {interval!r} cannot be fetched from alpaca: give {' or '.join(FRAMES)}.")
        query, columns = VendorQuery("bars", [symbol], start, end, interval), _prices if interval == "1d" else _rows
        found = self._twice(lambda: self._ask(query).get(symbol))
        return columns(found) if found else self._nothing(query)

    def fetch_many(self, symbols: Sequence[str], start: dt.datetime, end: dt.datetime) -> Ahead:
        found = self._ask(VendorQuery("bars", symbols, start, end, "1m"))
        return {symbol: _rows_or_failure(rows) for symbol, rows in found.items() if rows}

    def fetch_trades(self, symbol: str, start: dt.datetime, end: dt.datetime) -> TicksAnswer:
        return self._ticks(DayKind.TRADES, VendorQuery("trades", [symbol], start, end))

    def fetch_quotes(self, symbol: str, start: dt.datetime, end: dt.datetime) -> TicksAnswer:
        return self._ticks(DayKind.QUOTES, VendorQuery("quotes", [symbol], start, end))

    def _ticks(self, kind: DayKind, query: VendorQuery) -> TicksAnswer:
        (symbol,) = query.symbols
        found = self._twice(lambda: from_pages(kind, (page.get(symbol, ()) for page in self._pages(query))))
        return found if found else self._nothing(query)

    def _twice(self, ask: Callable[[], T]) -> T:
        """What is empty is asked for again: a day that is not there is believed the second time."""
        return ask() or ask()

    def _nothing(self, query: VendorQuery) -> NoDataExists:
        message = f"{query.start:%Y-%m-%d %H:%M} to {query.end:%Y-%m-%d %H:%M} UTC"
        return NoDataExists(f"feed {self.feed} has no {query.kind} from {message}")

    def _ask(self, query: VendorQuery) -> dict[str, list[Row]]:
        """All pages' rows by symbol."""
        found: defaultdict[str, list[Row]] = defaultdict(list)
        for page in self._pages(query):
            for symbol, rows in page.items():
                found[symbol] += rows
        return found

    def _pages(self, query: VendorQuery) -> Iterator[Page]:
        from marketdata.providers.alpaca_client import request

        with self._lock:
            client = self.client
        return client.pages(query.kind, request(query, self.feed, self.adjustment))


def _rows(bars: Sequence[Row]) -> Rows:
    """The vendor's bars as columns. Raises ProviderFailed where one is not a bar."""
    try:
        stamps = np.array([dt.datetime.fromisoformat(bar["t"]).timestamp() for bar in bars]).round().astype(np.int64)
        columns = [np.array([bar[name] for bar in bars], dtype=np.float64) for name in VALUES]
    except (KeyError, TypeError, ValueError) as error:
        raise ProviderFailed(f"alpaca sent something that is no bar: {error!r}") from None
    return Rows(stamps, BarColumns(np.zeros(len(stamps), np.int64), *columns))


def _rows_or_failure(bars: Sequence[Row]) -> Rows | ProviderFailed:
    try:
        return _rows(bars)
    except ProviderFailed as error:
        return error


def _prices(bars: Sequence[Row]) -> Rows:
    return _rows([{**bar, "v": None, "n": None, "vw": None} for bar in bars])


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise MarketDataError(f"Option {name} {value!r} is none of alpaca's: give {', '.join(known)}.")
