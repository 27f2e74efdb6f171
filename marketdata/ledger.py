"""A stored day's ledger: one letter per session minute.

T traded · A absent in its source, unproven · N no trade, proven · F filled later · M missing · H halted.
"""

import numpy as np

from marketdata.columns import Ints

LETTERS = "TANFMH"
HIDDEN = "."


def initial_ledger(offset: Ints, session_minutes: int) -> str:
    """T for every minute that has a bar, A for the others."""
    letters = np.full(session_minutes, ord("A"), np.uint8)
    letters[offset // 60] = ord("T")
    return letters.tobytes().decode()


def cut(ledger: str, visible_minutes: int) -> str:
    """The ledger as a session may see it: what is later than its clock is hidden."""
    return ledger[:visible_minutes] + HIDDEN * (len(ledger) - visible_minutes)
