"""Regular and extended hours: which of a market day a session plays, and which part of it a moment is in."""

from __future__ import annotations

import datetime as dt

from django.db import models

from marketdata.trading_day import TradingDay


class Hours(models.TextChoices):
    """What a session plays of its days."""

    REGULAR = "regular", "the regular session"
    EXTENDED = "extended", "also before the open and after the close"


class DayPart(models.TextChoices):
    """Where in its day a frame or a row is."""

    REGULAR = "regular", "the regular session"
    PRE = "pre", "before the open"
    POST = "post", "after the close"


DAY_PARTS = (DayPart.REGULAR, DayPart.PRE, DayPart.POST)
"""By the number that stands for each in a frame's bytes."""


def part_of_clock(day: TradingDay, clock: dt.datetime) -> DayPart:
    """A frame's part: what becomes known at the open is the regular session's first, at the close its last."""
    if clock < day.open:
        return DayPart.PRE
    return DayPart.POST if clock > day.close else DayPart.REGULAR
