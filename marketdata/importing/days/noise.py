"""What multiplying prices by a factor leaves: highs and lows that miss open or close by a float's last digit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from marketdata.columns import BarColumns

TOLERANCE = 1e-5
"""The share of a price that is noise. A cent of a price below a thousand is more."""


def without_noise(bars: BarColumns) -> tuple[BarColumns, int]:
    """Bars whose high and low hold their open and close, where they missed them by noise; and how many did."""
    with np.errstate(invalid="ignore"):
        top, bottom = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
        lifted = (bars.high < top) & (bars.high >= top * (1 - TOLERANCE))
        lowered = (bars.low > bottom) & (bars.low <= bottom * (1 + TOLERANCE))
    count = int((lifted | lowered).sum())
    if not count:
        return bars, 0
    return replace(bars, high=np.where(lifted, top, bars.high), low=np.where(lowered, bottom, bars.low)), count
