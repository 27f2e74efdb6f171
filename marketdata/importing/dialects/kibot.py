"""Kibot's ticks: date, time, price, bid, ask, size, without a head line."""

import re

from marketdata.importing.base.heads import Head
from marketdata.importing.dialects.dialect import Dialect
from marketdata.kinds import DayKind

DATE, CLOCK = re.compile(r"\d\d/\d\d/\d{4}"), re.compile(r"\d\d:\d\d:\d\d(?:\.\d+)?")
HEADER = ("date", "time", "price", "bid", "ask", "size")


def _matches(head: Head) -> bool:
    """In bars without a volume the fourth number, high, is not below the fifth, low; a bid is not above its ask."""
    rows = [row for row in head.rows if len(row) == len(HEADER)]
    if head.names or not rows or not (DATE.fullmatch(rows[0][0]) and CLOCK.fullmatch(rows[0][1])):
        return False
    try:
        sides = [(float(row[3]), float(row[4])) for row in rows]
    except ValueError:
        return False
    return all(bid <= ask for bid, ask in sides) and any(bid < ask for bid, ask in sides)


TICKS = Dialect(
    "Kibot ticks",
    matches=_matches,
    kind=DayKind.TRADES,
    header=lambda head: HEADER,
    zone_hint="Kibot writes New York's time",
    date_order="mdy",
    sign="rows date,time,price,bid,ask,size",
)
