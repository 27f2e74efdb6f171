"""Days on which the NYSE opened late or closed early, and which the calendar library does not have.

From the exchange's own list of closings since 1885, as users of calendars keep it.
"""

from __future__ import annotations

import datetime as dt

USUAL = (dt.time(9, 30), dt.time(16))


def _late(hour: int, minute: int) -> tuple[dt.time, dt.time]:
    return dt.time(hour, minute), USUAL[1]


def _early(hour: int, minute: int) -> tuple[dt.time, dt.time]:
    return USUAL[0], dt.time(hour, minute)


ODD_HOURS: dict[str, dict[dt.date, tuple[dt.time, dt.time]]] = {
    "XNYS": {
        dt.date(1990, 12, 27): _late(9, 31),  # a transformer's explosion
        dt.date(1991, 1, 17): _late(9, 31),  # moments of silence, the Gulf war's
        dt.date(1991, 2, 25): _late(9, 31),
        dt.date(1994, 2, 11): _early(14, 30),  # snow
        dt.date(1995, 12, 18): _late(10, 30),  # computers
        dt.date(1996, 1, 8): (dt.time(11), dt.time(14)),  # a blizzard
        dt.date(1997, 10, 27): _early(15, 30),  # circuit breaker
        dt.date(2001, 9, 17): _late(9, 33),  # moments of silence
        dt.date(2001, 10, 8): _late(9, 31),
        dt.date(2002, 9, 11): _late(12, 0),  # the first anniversary of 2001-09-11
        dt.date(2003, 3, 20): _late(9, 32),
        dt.date(2004, 6, 7): _late(9, 32),
        dt.date(2005, 6, 1): _early(15, 56),  # communications
        dt.date(2006, 12, 27): _late(9, 32),
    }
}
"""Exchange → date → open and close as its own clock showed them."""
