"""Dukascopy: the head says whether the stamps are GMT, or local with their offset."""

from marketdata.importing.dialects.dialect import Dialect, words
from marketdata.kinds import DayKind

GMT = Dialect(
    "Dukascopy",
    words("gmt_time open high low close"),
    kind=DayKind.BARS,
    columns={"time": "gmt_time"},
    zone="UTC",
    label="start",
    date_order="dmy",
    sign="Gmt time",
)
LOCAL = Dialect(
    "Dukascopy, local time",
    words("local_time open high low close"),
    kind=DayKind.BARS,
    columns={"time": "local_time"},
    label="start",
    date_order="dmy",
    sign="Local time",
)
TICKS = Dialect(
    "Dukascopy ticks",
    words("gmt_time ask bid askvolume bidvolume"),
    kind=DayKind.QUOTES,
    columns={"time": "gmt_time"},
    zone="UTC",
    date_order="dmy",
    sign="Gmt time, AskVolume",
)
