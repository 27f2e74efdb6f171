"""A market data vendor on this machine that speaks Alpaca's wire form, and fails as it is asked to."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from marketdata.providers.alpaca import AlpacaProvider

Query = dict[str, str]
PATHS: dict[str, tuple[str, ...]] = {
    "/v2/stocks/bars": (),
    "/v2/stocks/trades": ("trades",),
    "/v2/stocks/quotes": ("quotes",),
}
Failure = Callable[["Handler"], None]


@dataclass
class Vendor:
    """`bars`, `trades`, `quotes`: symbol → wire rows in time order.

    `failures`: what the next requests get instead of a page.
    """

    url: str = ""
    page_size: int = 10_000
    bars: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    daily: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    trades: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    quotes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    failures: deque[Failure] = field(default_factory=deque)
    asked: list[Query] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    key: str = "key"

    def page(self, query: Query, kind: str = "bars") -> dict[str, Any]:
        """Rows of start ≤ t ≤ end, the end included, as the vendor has it."""
        start, end = (dt.datetime.fromisoformat(query[name]) for name in ("start", "end"))
        kept = getattr(self, "daily" if query.get("timeframe") == "1Day" else kind)
        rows = [
            (symbol, row)
            for symbol in sorted(query["symbols"].split(","))
            for row in kept.get(symbol, [])
            if start <= dt.datetime.fromisoformat(row["t"]) <= end
        ]
        first = int(query.get("page_token", "0").removeprefix("from-"))
        size = min(self.page_size, int(query["limit"]))
        more = len(rows) > first + size
        part: dict[str, list[dict[str, Any]]] = {}
        for symbol, row in rows[first : first + size]:
            part.setdefault(symbol, []).append(row)
        return {kind: part, "next_page_token": f"from-{first + size}" if more else None}


class Handler(BaseHTTPRequestHandler):
    vendor: Vendor

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.vendor.asked.append(query)
        if self.headers.get("APCA-API-KEY-ID") != self.vendor.key:
            self.answer(401, {"code": 40110000, "message": "unauthorized"})
        elif self.vendor.failures:
            self.vendor.failures.popleft()(self)
        elif url.path in PATHS:
            self.answer(200, self.vendor.page(query, *PATHS[url.path]))
        else:
            self.answer(404, {"message": "Not Found"})

    def answer(self, status: int, body: Any, **headers: str) -> None:
        payload = gzip.compress(body if isinstance(body, bytes) else json.dumps(body).encode())
        self.send_response(status)
        headers |= {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        for name, value in {"Content-Length": str(len(payload)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(payload)


def status(code: int, message: str = "", **headers: str) -> Failure:
    return lambda handler: handler.answer(code, {"message": message}, **headers)


def page(body: dict[str, Any]) -> Failure:
    return lambda handler: handler.answer(200, body)


def html(code: int) -> Failure:
    return lambda handler: handler.answer(code, b"<html><body>nginx</body></html>")


def truncated(handler: Handler) -> None:
    """A body that ends before its length says, as when a proxy dies."""
    body = json.dumps(handler.vendor.page(handler.vendor.asked[-1])).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def half_a_json(handler: Handler) -> None:
    """A body cut in the middle whose length is right, as when the vendor itself was cut."""
    body = json.dumps(handler.vendor.page(handler.vendor.asked[-1])).encode()
    handler.answer(200, body[: len(body) // 2])


def cut(handler: Handler) -> None:
    """The connection is reset before a byte of the answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True
    handler.wfile = open("/dev/null", "wb")  # noqa: SIM115, PTH123


@contextmanager
def serving() -> Iterator[Vendor]:
    vendor = Vendor()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"vendor": vendor}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    vendor.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield vendor
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def provider(vendor: Vendor, **options: Any) -> AlpacaProvider:
    given = {"api_key": "key", "secret_key": "secret", "requests_a_minute": 60_000, "first_wait": 0.01, **options}
    return AlpacaProvider("alpaca", base_url=vendor.url, **given)
