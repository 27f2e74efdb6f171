"""Alpaca's own SDK, made patient: paced, with time limits, and asked again where asking again can help.

The SDK signs and sends; it knows no time limit, retries two statuses blindly, would follow a page that points at
itself for ever, and hands pages out only when it has them all.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import requests
from alpaca.data.enums import Adjustment, DataFeed
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockBarsRequest, StockQuotesRequest, StockTradesRequest
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from marketdata.errors import ProviderFailed, ProviderRefused, UnknownSymbol
from marketdata.providers.alpaca_query import VendorQuery

CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
LONGEST_WAIT = 120.0
"""Seconds that a vendor may ask us to wait; more is a failure that says so."""
REFUSALS = (401, 403)
PAGE_ROWS = 10_000
"""The most that the vendor puts on one page."""
Page = dict[str, list[dict[str, Any]]]
"""Symbol → the vendor's rows."""


class TryAgain(ProviderFailed):
    """A failure that may pass; `after`: seconds that the vendor asked us to wait, 0 where it did not say."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


class Pace:
    """At most so many requests a minute, evenly, over all threads of the process."""

    def __init__(self, a_minute: float) -> None:
        self.step, self.free, self.lock = 60.0 / a_minute, 0.0, threading.Lock()

    def wait(self) -> None:
        with self.lock:
            now = time.monotonic()
            turn = max(now, self.free)
            self.free = turn + self.step
        time.sleep(turn - now)


class PatientClient(StockHistoricalDataClient):
    """`tries`: requests for one page; `first_wait`: seconds before the second one, doubling from there."""

    def __init__(self, *, a_minute: float, tries: int, first_wait: float, **options: Any) -> None:
        super().__init__(raw_data=True, **options)
        self.pace = Pace(a_minute)
        self._waits = wait_random_exponential(multiplier=first_wait, max=30)
        self._tries = tries

    def pages(self, kind: str, asked: Any) -> Iterator[Page]:
        """One after the other, as they are wanted."""
        fields = {**asked.to_request_fields(), "limit": PAGE_ROWS}
        while True:
            page = cast("dict[str, Any]", self.get(f"/stocks/{kind}", data=fields))
            fields["page_token"] = page.get("next_page_token")
            yield page.pop(kind)
            if fields["page_token"] is None:
                return

    def _one_request(self, method: str, url: str, opts: dict[str, Any], retry: int) -> dict[str, Any]:
        """One page, asked for until it comes. Raises ProviderFailed, ProviderRefused or UnknownSymbol."""
        asking = Retrying(
            stop=stop_after_attempt(self._tries),
            wait=self._wait,
            retry=retry_if_exception_type(TryAgain),
            reraise=True,
        )
        page: dict[str, Any] = asking(self._page, method, url, opts)
        return page

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.after if isinstance(error, TryAgain) else 0.0
        return max(asked, self._waits(state))

    def _page(self, method: str, url: str, opts: dict[str, Any]) -> dict[str, Any]:
        self.pace.wait()
        try:
            response = self._session.request(method, url, timeout=(CONNECT_SECONDS, READ_SECONDS), **opts)
        except requests.RequestException as error:
            raise TryAgain(f"alpaca: the connection broke: {error}") from None
        if response.status_code != requests.codes.ok:
            raise _failure(response)
        return _checked(response, url.rpartition("/")[2], opts["params"].get("page_token"))


def request(query: VendorQuery, feed: str, adjustment: str) -> Any:
    """The SDK's request. The vendor's end is inclusive, and no finer than a microsecond."""
    given: dict[str, Any] = {"symbol_or_symbols": list(query.symbols), "start": query.start, "feed": DataFeed(feed)}
    given["end"] = query.end - dt.timedelta(microseconds=1)
    if query.kind != "bars":
        return (StockTradesRequest if query.kind == "trades" else StockQuotesRequest)(**given)
    frame = TimeFrame(1, TimeFrameUnit.Day if query.interval == "1d" else TimeFrameUnit.Minute)
    return StockBarsRequest(**given, timeframe=frame, adjustment=Adjustment(adjustment))


def _failure(response: requests.Response) -> Exception:
    status, said = response.status_code, _message(response)
    message = f"alpaca answered {status}: {said}"
    if status in REFUSALS:
        return ProviderRefused(message)
    if status == requests.codes.bad_request and "invalid symbol" in said:
        return UnknownSymbol(message)
    if status == requests.codes.too_many_requests or status >= requests.codes.server_error:
        after = _retry_after(response)
        if after > LONGEST_WAIT:
            return ProviderFailed(f"{message} (it asks to wait {after:g} s, the most is {LONGEST_WAIT:g})")
        return TryAgain(message, after)
    return ProviderFailed(message)


def _message(response: requests.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return response.text[:200].strip() or response.reason


def _retry_after(response: requests.Response) -> float:
    try:
        return max(0.0, float(response.headers.get("Retry-After", 0)))
    except ValueError:
        return 0.0


def _checked(response: requests.Response, kind: str, asked_for: str | None) -> dict[str, Any]:
    """The page, if it is one of that kind and can be believed."""
    try:
        page: dict[str, Any] = response.json()
    except ValueError:
        raise TryAgain("alpaca: the answer is cut off: it is not JSON") from None
    rows = page.get(kind) if isinstance(page, dict) else None
    if not isinstance(rows, dict) or None in rows.values():
        raise TryAgain(f"alpaca: the answer is no page of {kind}")
    onward = page.get("next_page_token")
    if onward == "" or (onward is not None and onward == asked_for):
        raise ProviderFailed("alpaca: a page names itself as the next one")
    if asked_for and not onward and not any(rows.values()):
        raise TryAgain("alpaca: the last page is empty though the one before it promised more")
    return page
