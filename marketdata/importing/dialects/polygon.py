"""Polygon (Massive): flat files with all tickers of a day; nanoseconds since the epoch."""

from marketdata.importing.dialects.dialect import Dialect, words
from marketdata.kinds import DayKind

BARS_FILE = Dialect(
    "Polygon flat file", words("ticker window_start open close"), kind=DayKind.BARS, label="start", sign="window_start"
)
TRADES_FILE = Dialect(
    "Polygon trades",
    words("ticker sip_timestamp price size"),
    kind=DayKind.TRADES,
    columns={"time": "sip_timestamp"},
    sign="sip_timestamp, price",
)
QUOTES_FILE = Dialect(
    "Polygon quotes",
    words("ticker sip_timestamp bid_price ask_price"),
    kind=DayKind.QUOTES,
    columns={"time": "sip_timestamp"},
    sign="sip_timestamp, bid_price",
    prepare=lambda sheet, path, kind: sheet.noted("sizes are taken as shares: older quote files count round lots"),
)
