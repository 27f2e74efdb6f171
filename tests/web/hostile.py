"""Bodies, values and paths that no client of good will sends, and what is wrong with an answer to them."""

from __future__ import annotations

import json
import re
import uuid
from collections import defaultdict
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern
from drf_spectacular.generators import SchemaGenerator

from gateway.urls import urlpatterns

LONGEST_REFUSAL = 10_000
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE")


DEEP = "[" * 100_000 + "]" * 100_000


NESTED = '{"symbols": ' * 900 + "1" + "}" * 900


BODIES = {
    "deep": DEEP,
    "deep objects": NESTED,
    "deep in a field": '{"symbols": ' + "[" * 500 + "]" * 500 + ', "to": [[[[[[[1]]]]]]]}',
    "a lone surrogate": '{"symbols": ["\\ud800"], "name": "\\udfff", "to": "\\ud800", "id": "\\ud800", "\\ud800": 1}',
    "NUL": '{"symbols": ["A\\u0000"], "name": "\\u0000", "to": "\\u0000", "id": "\\u0000", "username": "\\u0000"}',
    "huge numbers": '{"minutes": 1e400, "speed": 1e308, "clock_step": ' + "9" * 5000 + "}",
    "large integers": '{"minutes": 99999999999999999999999, "speed": 10000000000000000000000000000, "date": 1}',
    "not a number": '{"speed": NaN, "minutes": -Infinity}',
    "no UTF-8": b'{"name": "\xff\xfe"}',
    "nothing": "",
    "null": "null",
    "a list": "[1, 2]",
    "a text": '"start"',
    "wrong types": '{"symbols": {"a": [1]}, "date": [], "speed": {}, "to": {}, "minutes": [], "id": {}, "kind": []}',
    "blanks in a symbol": '{"symbols": ["AA PL"], "date": "2025-07-02", "provider": "synthetic"}',
    "no symbols": '{"symbols": [" "], "date": "2025-07-02", "provider": "synthetic"}',
    "unprintable symbols": '{"symbols": ["A\\u00e9", "A\\u200b"], "date": "2025-07-02", "provider": "synthetic"}',
    "the last dates": '{"symbols": ["A"], "date": "9999-12-31", "until": "0001-01-01", "to": "9999-12-31T23:59:59Z"}',
}


VALUES = {
    "a NUL": "%00",
    "a surrogate": "%ed%a0%80",
    "negative": "-1",
    "beyond 64 bits": "9" * 30,
    "5,000 digits": "9" * 5000,
    "zeros before a number": "0" * 12 + "99999999",
    "long": "x" * 5000,
    "empty": "",
    "other digits": "%d9%a1%d9%a2",
    "the last day": "9999-12-31",
    "the first day": "0001-01-01",
    "the last moment": "9999-12-31T23:59:59.999999999Z",
    "a list": "a,b,,;",
}


GOOD = {"symbols": "AAPL", "timeframe": "1Min", "period": "1D"}
"""What lets an address read on."""


PATHS = {
    "NUL": "/%00/",
    "a surrogate": "/%ed%a0%80/",
    "5,000 characters": "/" + "x" * 5000 + "/",
    "5,000 digits": "/" + "9" * 5000 + "/",
    "other digits": "/%d9%a1/",
    "a new line": "/%0a/",
    "dots": "/../../x/",
}


def api_operations(number: object = 1) -> dict[str, dict[str, Any]]:
    """Path → method → what the API's document says of it."""
    made = {}
    for path, operations in sorted(SchemaGenerator().get_schema(public=True)["paths"].items()):
        given = defaultdict(lambda: number, name="bot", key_id="RKX", order_id=uuid.UUID(int=1), symbol="AAPL")
        made[path.format_map(given)] = {method.upper(): operation for method, operation in operations.items()}
    return made


def api_paths(number: object = 1) -> dict[str, list[str]]:
    """Path → the parameters of its query."""
    made = {}
    for path, operations in api_operations(number).items():
        rows = operations.get("GET", {}).get("parameters", [])
        made[path] = [*(row["name"] for row in rows if row["in"] == "query"), "format"]
    return made


def gateway_path(pattern: URLPattern) -> str:
    filled = re.sub(r"\(\?P<kind>[^)]*\)", "bars", str(pattern.pattern))
    filled = re.sub(r"\(\?P<\w+>[^)]*\)|<str:\w+>", "AAPL", filled)
    return f"/alpaca/{filled.strip('^$') or 'nothing/here'}"


GATEWAY_PATHS = [gateway_path(pattern) for pattern in urlpatterns]


DATA_PATHS = [path for path in GATEWAY_PATHS if "/stocks/" in path]
"""They take no body."""


CLIENT = Client(raise_request_exception=False)
"""One for all: each new one loads the middleware, which looks for every static file."""


def ask(method: str, path: str, body: str | bytes = b"", **options: Any) -> HttpResponse:
    answer: Any = CLIENT.generic(method, path, body, **{"content_type": "application/json", **options})
    return answer


def fault_of(answer: HttpResponse, label: str) -> str | None:
    """What is wrong with this answer; None where it is a good one."""
    kind = answer.get("Content-Type", "").split(";")[0]
    if answer.status_code >= 500 and answer.status_code != 503:
        return f"{label}: {answer.status_code}"
    if answer.status_code < 400:
        return f"{label}: a page" if kind == "text/html" and answer.content and "docs" not in label else None
    if kind not in ("application/problem+json", "application/json"):
        return f"{label}: {answer.status_code} as {kind}: {answer.content[:60]!r}"
    if len(answer.content) > LONGEST_REFUSAL:
        return f"{label}: {len(answer.content):,} bytes: {answer.content[:200]!r}"
    if answer.content:
        body = json.loads(answer.content)
        if not (body.get("detail") or body.get("message")):
            return f"{label}: says nothing: {body}"
    return None


def assert_good(faults: list[str | None]) -> None:
    found = [fault for fault in faults if fault]
    assert not found, "\n".join(found[:40])
