"""What is asked of Alpaca, said without its SDK, which not every installation has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VendorQuery:
    """Rows of one kind (bars, trades, quotes) with start ≤ stamp < end."""

    kind: str
    symbols: Sequence[str]
    start: dt.datetime
    end: dt.datetime
    interval: str = ""
