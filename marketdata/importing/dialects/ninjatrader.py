"""NinjaTrader's text export: no head line, semicolons; bars are stamped by their end."""

from __future__ import annotations

import re

from marketdata.importing.base.heads import Head
from marketdata.importing.dialects.dialect import Dialect
from marketdata.kinds import DayKind

MINUTE = re.compile(r"\d{8} \d{6}")
TICK = re.compile(r"\d{8} \d{6}(?: \d{7})?")
EXPORT = re.compile(r"\.(?:Last|Bid|Ask)\.(?:txt|csv)", re.IGNORECASE)
HEADER = ("timestamp", "open", "high", "low", "close", "volume")
TICK_HEADERS = {3: ("timestamp", "price", "size"), 5: ("timestamp", "price", "bid", "ask", "size")}
HINT = "NinjaTrader exports UTC or the computer's local time"


def _minutes(head: Head) -> bool:
    return not head.names and head.delimiter == ";" and len(head.first) >= 6 and bool(MINUTE.fullmatch(head.first[0]))


def _ticks(head: Head) -> bool:
    shape = len(head.first) in TICK_HEADERS and bool(TICK.fullmatch(head.first[0]))
    return not head.names and head.delimiter == ";" and shape


def _is_export(head: Head) -> bool:
    return _minutes(head) and bool(EXPORT.search(head.path.name))


def _header(head: Head) -> tuple[str, ...]:
    return (*HEADER, *(f"column {i}" for i in range(len(HEADER), len(head.first))))


NAMED = Dialect(
    "NinjaTrader",
    matches=_is_export,
    kind=DayKind.BARS,
    header=_header,
    label="end",
    zone_hint=HINT,
    sign="its name and rows yyyyMMdd HHmmss;…",
)
BY_SHAPE = Dialect(
    "NinjaTrader or alike",
    matches=_minutes,
    kind=DayKind.BARS,
    header=_header,
    label="end",
    label_unsure=True,
    zone_hint=HINT,
    sign="rows yyyyMMdd HHmmss;…",
)
TICKS = Dialect(
    "NinjaTrader ticks",
    matches=_ticks,
    kind=DayKind.TRADES,
    header=lambda head: TICK_HEADERS[len(head.first)],
    zone_hint=HINT,
    sign="rows yyyyMMdd HHmmss fffffff;…",
)
