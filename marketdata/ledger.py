"""A stored day's ledger: one letter per session minute.

T traded · A absent in its source, unproven · N no trade, proven · F filled later · M missing · H halted.
A midday break's minutes are none of the session's: they have B, and no bar is expected in them.
"""

import numpy as np

from marketdata.columns import Ints
from marketdata.trading_day import NO_BREAK, Break

WORDS = {
    "T": "traded",
    "A": "absent in its source, unproven",
    "N": "no trade, proven",
    "F": "filled later",
    "M": "missing: asked for again without an answer",
    "H": "halted",
}
LETTERS = "".join(WORDS)
BREAK = "B"
HIDDEN = "."


def initial_ledger(offset: Ints, session_minutes: int, midday: Break = NO_BREAK) -> str:
    """T for every minute that has a bar, B for those of the break, A for the others."""
    letters = np.full(session_minutes, ord("A"), np.uint8)
    letters[midday.first : midday.end] = ord(BREAK)
    letters[offset // 60] = ord("T")
    return letters.tobytes().decode()


def words_of(*, has_break: bool) -> dict[str, str]:
    """What the letters mean, that of a break only where there is one."""
    return WORDS | ({BREAK: "the exchange's midday break"} if has_break else {})


def break_of(ledger: str) -> Break:
    """The break of a day with this ledger."""
    first = ledger.find(BREAK)
    return NO_BREAK if first < 0 else Break(first, ledger.rfind(BREAK) + 1)


def complete(ledger: str, offset: Ints) -> str:
    """The ledger after more of the same source's bars came in: their minutes traded, the others stay as they are."""
    letters = np.frombuffer(ledger.encode(), np.uint8).copy()
    traded = np.zeros(len(letters), dtype=bool)
    traded[offset // 60] = True
    letters[traded & (letters != ord("F"))] = ord("T")
    return letters.tobytes().decode()


def cut(ledger: str, minutes_over: int) -> str:
    """The ledger as a session may see it: what is later than its clock is hidden."""
    return ledger[:minutes_over] + HIDDEN * (len(ledger) - minutes_over)


def merge(ledger: str, found: Ints | None, *, proves: bool) -> str:
    """The ledger after its minutes were asked for again.

    `found`: offsets (seconds from the open) of the bars in the answer, None when the request failed or was
    truncated. `proves`: the answer is from another provider than the bars, or from one that is authoritative for
    absence; from any other it changes nothing. What is stored stays stored, and a halt stays a halt unless it traded.
    """
    if found is None:
        return ledger.replace("A", "M")
    if not proves:
        return ledger
    letters = np.frombuffer(ledger.replace("A", "N").replace("M", "N").encode(), np.uint8).copy()
    traded = np.zeros(len(letters), dtype=bool)
    traded[found // 60] = True
    letters[traded & np.isin(letters, [ord("N"), ord("H")])] = ord("F")
    return letters.tobytes().decode()
