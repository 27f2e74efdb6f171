"""HistData: NinjaTrader's form under names such as DAT_ASCII_EURUSD_M1_2024, in New York's winter time all year."""

import re

from marketdata.importing.base.heads import Head, positions
from marketdata.importing.dialects.dialect import Dialect
from marketdata.importing.dialects.ninjatrader import BY_SHAPE
from marketdata.kinds import DayKind

NAME = re.compile(r"DAT_[A-Z]+_[A-Z0-9]+_M1_\d{4,6}", re.IGNORECASE)
WINTER = "-05:00"


def _matches(head: Head) -> bool:
    return bool(NAME.match(head.path.name)) and BY_SHAPE.fits(head)


MINUTES = Dialect(
    "HistData",
    matches=_matches,
    kind=DayKind.BARS,
    header=BY_SHAPE.header,
    zone=WINTER,
    label="start",
    sign="the name DAT_…_M1_…",
)
OTHER_ROWS = Dialect(
    "HistData",
    matches=lambda head: bool(NAME.match(head.path.name)) and not head.names,
    kind=DayKind.BARS,
    header=lambda head: positions(head.first),
    zone=WINTER,
    label="start",
    sign="the name DAT_…_M1_…",
)
