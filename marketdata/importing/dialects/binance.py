"""Binance's klines: twelve columns, with and without a head line; milliseconds, since 2025 microseconds."""

import re

from marketdata.importing.base.heads import Head
from marketdata.importing.dialects.dialect import Dialect, words
from marketdata.kinds import DayKind

EPOCH = re.compile(r"\d{13}|\d{16}")
HEADER = (
    *("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count"),
    *("taker_buy_volume", "taker_buy_quote_volume", "ignore"),
)


def _matches(head: Head) -> bool:
    cells = head.first
    both = len(cells) == len(HEADER) and all(EPOCH.fullmatch(cells[place]) for place in (0, 6))
    return not head.names and both


KLINES = Dialect(
    "Binance klines",
    matches=_matches,
    kind=DayKind.BARS,
    header=lambda head: HEADER,
    label="start",
    sign="twelve columns, two of them epochs",
)
NAMED_KLINES = Dialect(
    "Binance klines",
    words("open_time close_time open high low close"),
    kind=DayKind.BARS,
    label="start",
    sign="open_time",
)
