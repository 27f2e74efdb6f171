"""What was decided about a file, and why: for the summary, for JSON, and for a page that asks before it writes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

MOST_NAMED = 6


class Fact(NamedTuple):
    """A decision and its reason."""

    value: str
    why: str

    def __str__(self) -> str:
        return f"{self.value} ({self.why})" if self.why else self.value


@dataclass(frozen=True, slots=True)
class Decision:
    """How one file is read.

    `columns`: ours → the file's name. `unused`: the file's columns that nothing was taken from. `notes`: what was
    repaired, left out or is worth knowing.
    """

    file: str
    kind: str
    dialect: Fact
    symbol: Fact
    zone: Fact
    label: Fact
    units: str
    scale: Fact
    columns: dict[str, str]
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        found = asdict(self)
        for name in ("dialect", "symbol", "zone", "label", "scale"):
            fact: Fact = getattr(self, name)
            found[name] = {"value": fact.value, "why": fact.why}
        return found | {"unused": list(self.unused), "notes": list(self.notes)}

    @property
    def reading(self) -> tuple[object, ...]:
        """What files that are read alike have in common: all but the file, its symbol and its notes."""
        return (self.kind, self.dialect, self.zone, self.label, self.units, self.scale, *self.columns, self.unused)

    def lines(self) -> list[str]:
        """The decision in words, without the file's name."""
        scale = f", prices / {self.scale}" if self.scale.value != "1" else ""
        units = f", {self.units}" if self.units != "stamps" else ""
        stamps = f"label {self.label}, zone {self.zone}{units}{scale}"
        unused = [f"not used: {', '.join(self.unused)}"] if self.unused else []
        kind = "trades" if self.kind == "ticks" else self.kind
        return [f"{kind}, {self.dialect}; symbol {self.symbol}", stamps, *unused, *self.notes]


def named(names: list[str]) -> str:
    """The first few of them, and how many more there are."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
