"""What became of an import's rows, with the decisions behind it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from marketdata.importing.base.decision import Decision
from marketdata.importing.days.read_file import ReadFile
from marketdata.models import Scope

SHOWN_REASONS = 3
COUNTS = (
    *("files", "rows", "inserted", "unchanged", "revised", "outside_session", "repeated", "rejected", "repaired"),
    "days",
)


class Tally(NamedTuple):
    """Rows by what became of them; `outside` the regular session, whatever became of those."""

    inserted: int = 0
    unchanged: int = 0
    revised: int = 0
    outside: int = 0


NOTHING = Tally()


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a file's rows of one symbol's day of one scope.

    `written`: the row of the version that was written, `before` of the one that was current until then.
    """

    symbol: str
    date: dt.date | None
    kind: str
    scope: str = Scope.REGULAR
    written: int | None = None
    before: int | None = None
    tally: Tally = NOTHING
    rejected: int = 0


@dataclass(slots=True)
class Report:
    """What became of a dataset's rows. rows = inserted + unchanged + revised + outside_session + repeated + rejected.

    `days` counts the versions written; `number` is the import's, 0 where nothing was written. `absent`: minutes of the
    regular sessions that it wrote without a bar; `playable`: the last of those days, and some symbols that it has.
    """

    dataset: str
    number: int = 0
    files: int = 0
    rows: int = 0
    inserted: int = 0
    unchanged: int = 0
    revised: int = 0
    outside_session: int = 0
    repeated: int = 0
    rejected: int = 0
    repaired: int = 0
    days: int = 0
    absent: int = 0
    playable: tuple[str, list[str]] | None = None
    symbols: set[str] = field(default_factory=set)
    decisions: list[Decision] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    first: dt.date | None = None
    last: dt.date | None = None

    def as_dict(self) -> dict[str, Any]:
        decisions = [decision.as_dict() for decision in self.decisions]
        return {**self.figures(), "names": sorted(self.symbols), "decisions": decisions, "reasons": self.reasons}

    def figures(self) -> dict[str, Any]:
        """Counts and dates, without what was decided."""
        counts = {name: getattr(self, name) for name in COUNTS}
        first, last = (date.isoformat() if date else None for date in (self.first, self.last))
        found = {"dataset": self.dataset, "import": self.number or None, **counts, "absent": self.absent}
        found["playable"] = self.playable and {"date": self.playable[0], "symbols": self.playable[1]}
        return {**found, "symbols": len(self.symbols), "first": first, "last": last}

    def count(self, file: ReadFile, changes: Sequence[Change]) -> None:
        """A file that was written."""
        parts = file.parts
        self.files += 1
        self.rows += file.row_count
        self.rejected += len(parts.rejected)
        self.repeated += parts.repeated
        self.repaired += parts.repaired
        for change in changes:
            self.inserted += change.tally.inserted
            self.unchanged += change.tally.unchanged
            self.revised += change.tally.revised
            self.outside_session += change.tally.outside
            self.days += change.written is not None
        for day in parts.days:
            self.first, self.last = min(day.date, self.first or day.date), max(day.date, self.last or day.date)
            self.symbols.add(day.symbol)
        self.decisions.append(file.decision)
        first = parts.rejected[:SHOWN_REASONS]
        self.reasons += [f"{file.path.name} line {row.line}: {row.reason}" for row in first]

    def alike(self) -> list[list[Decision]]:
        """The decisions, those that read their files alike together."""
        found: dict[tuple[object, ...], list[Decision]] = {}
        for decision in self.decisions:
            found.setdefault(decision.reading, []).append(decision)
        return list(found.values())


def rejections(file: ReadFile) -> list[Change]:
    """A file's rejected rows by symbol and day."""
    counts = Counter((row.symbol[:64], row.date) for row in file.parts.rejected)
    return [Change(symbol, date, file.kind, rejected=count) for (symbol, date), count in counts.items()]
