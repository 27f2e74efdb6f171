"""What a fork's account has done on the fork's day before it: its origin's requests, and where that day began.

The fork's book is made from there: it knows what was taken of each quote and bar, and what is still on its way.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broker.models import Request


@dataclass(frozen=True, slots=True)
class LeadIn:
    state: Mapping[str, Any]
    """Before the day, or where the origin's account began within it."""
    date: dt.date
    after_ms: int | None
    """Where it began, if within the day."""
    actions: Sequence[list[str]]
    """Corporate actions that the day went ex with."""
    asked: Sequence[dict[str, Any]]
    """What was picked up since, in its order."""

    def requests(self) -> Iterator[Request]:
        return (Request(**each) for each in self.asked)

    def followed_by(self, requests: Iterator[Request]) -> LeadIn:
        names = ("number", "kind", "body", "taken_ms")
        asked = [{name: getattr(request, name) for name in names} for request in requests]
        return LeadIn(self.state, self.date, self.after_ms, self.actions, [*self.asked, *asked])

    def as_payload(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "date": self.date.isoformat(),
            "after_ms": self.after_ms,
            "actions": self.actions,
            "asked": self.asked,
        }

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> LeadIn:
        date = dt.date.fromisoformat(payload["date"])
        return cls(payload["state"], date, payload["after_ms"], payload["actions"], payload["asked"])
