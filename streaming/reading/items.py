"""What a reader asks for, and what it gets beside frames."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass, field
from typing import Any

from streaming.engine.frames.frame import Frame
from streaming.engine.frames.frame_id import FrameId, milliseconds, rfc3339
from streaming.engine.publishing.lockstep import Lockstep
from streaming.reading.asides import Aside, Source
from streaming.reading.selection import Selection

SNAPSHOT_BARS = 2000
"""Bars in one snapshot message; a larger snapshot comes in parts."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is not market data: no id, outside the hash chain, not repeated on reconnect."""

    event: dict[str, Any]

    def wire(self) -> dict[str, Any]:
        return {"id": None, "clock": self.event.get("clock"), "hash": None, "events": [self.event]}


Item = Frame | Notice | Aside


@dataclass(eq=False)
class Reading:
    """What one reader asks for, and how it is called where readers are shown.

    `selection` may be exchanged while reading. Without a cursor (`after`) it begins with a `snapshot` of the day
    so far; with `from_start` at the first frame of the run; with `from_now` at the next frame, without a snapshot.
    """

    session_id: int
    after: str | None = None
    from_start: bool = False
    from_now: bool = False
    selection: Selection = field(default_factory=Selection.of)
    kind: str = "python"
    name: str = ""
    lockstep: Lockstep | None = None
    asides: Source | None = None

    def __post_init__(self) -> None:
        self.place = FrameId.parse(self.after) if self.after else None
        self.cursor = self.place._replace(n=0) if self.place else None  # a frame's; asides come behind it
        self.key, self.since = secrets.token_hex(4), dt.datetime.now(dt.UTC)

    def report(self) -> dict[str, object]:
        """For the registry of readers."""
        cursor = str(self.cursor) if self.cursor else None
        since = rfc3339(milliseconds(self.since))
        return {
            "id": self.key,
            "kind": self.kind,
            "name": self.name,
            "since": since,
            "cursor": cursor,
            "lockstep": self.lockstep is not None,
        }


def in_parts(event: dict[str, Any]) -> list[Notice]:
    """A snapshot as messages of bounded size."""
    bars = event["bars"]
    starts = range(0, max(1, len(bars)), SNAPSHOT_BARS)
    return [
        Notice({**event, "part": part, "parts": len(starts), "bars": bars[start : start + SNAPSHOT_BARS]})
        for part, start in enumerate(starts, 1)
    ]
