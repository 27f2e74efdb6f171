"""How complete a day is, up to a minute."""

from __future__ import annotations

from dataclasses import dataclass

from marketdata.ledger import BREAK


@dataclass(frozen=True, slots=True)
class Quality:
    """Minutes by letter; `value` = (traded + proven + filled) / expected, None before the first minute."""

    expected: int
    traded: int
    proven: int
    filled: int
    absent: int
    missing: int
    halted: int

    @property
    def value(self) -> float | None:
        return (self.traded + self.proven + self.filled) / self.expected if self.expected else None


def quality(ledger: str, minutes_over: int) -> Quality:
    seen = ledger[:minutes_over]
    return Quality(len(seen) - seen.count(BREAK), *(seen.count(letter) for letter in "TNFAMH"))
