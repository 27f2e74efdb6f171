"""What a reader may follow beside a session's frames: events of those who take part in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from streaming.base.db import in_thread
from streaming.engine.frames.frame_id import FrameId, rfc3339


@dataclass(frozen=True, slots=True)
class Aside:
    """An event beside the frames. It comes after the frame of its instant; `id.n` counts from 1 there."""

    id: FrameId
    event: dict[str, Any]

    def wire(self) -> dict[str, Any]:
        return {"id": str(self.id), "clock": rfc3339(self.id.ms), "hash": None, "events": [self.event]}


class Source(Protocol):
    """Asked in a thread, within a database connection."""

    def after(self, place: FrameId, until_ms: int) -> Sequence[Aside]:
        """The next ones of the place's generation, up to an instant; empty only when there are none."""

    def behind(self, place: FrameId) -> FrameId:
        """The place behind all that are there up to the instant of a frame."""


class Alongside:
    """One reader's place among the asides, and those that its frames have not reached yet."""

    def __init__(self, source: Source | None, place: FrameId) -> None:
        self.source, self.place = source, place
        self.coming: deque[Aside] = deque()

    async def move(self, place: FrameId | None, *, behind: bool = False) -> None:
        """Go on after a place, or `behind` all that are there at a frame; before the first frame nothing is."""
        self.coming.clear()
        if place is not None:
            self.place = await in_thread(self.source.behind)(place) if self.source and behind else place

    async def learn(self, until_ms: int) -> None:
        """Look for more. Whatever belongs to frames that are known is written down: it is found."""
        if self.source is None:
            return
        while found := await in_thread(self.source.after)(self.place, until_ms):
            self.coming += found
            self.place = found[-1].id

    def are_due(self, ms: int) -> bool:
        """Whether one comes up to an instant."""
        return bool(self.coming) and self.coming[0].id.ms <= ms

    def reached(self, ms: int) -> Iterator[Aside]:
        """Those up to an instant, once."""
        while self.are_due(ms):
            yield self.coming.popleft()
