"""What a benchmark yields: one line of the table."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`figure` in `unit`; `note` says what it is to be compared with, or where its time goes."""

    what: str
    figure: float
    unit: str
    note: str = ""

    def shown(self) -> str:
        return f"{self.figure:,.0f}" if self.figure >= 100 else f"{self.figure:,.3g}"

    def json(self) -> dict[str, object]:
        return asdict(self)
