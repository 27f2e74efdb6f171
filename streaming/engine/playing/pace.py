"""How well a session keeps its pace, and what holds it up: measured where it is played, shown on its row."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager

from streaming.engine.frames.frame_id import FrameId

EVERY = 2.0
"""Seconds over which speed and stages are measured."""
ERRORS = 120
"""Frames over which the clock's error is."""
NIGHT_MS = 8 * 3_600_000
"""Longer than any session: a frame that far after the one before it is another day's."""
WORTH_NAMING = 0.1
"""Share of the time from which on a stage is what the session waits for."""


class Pace:
    """Market time published, how late frames were, and seconds by stage: store, merge, Redis, Postgres, lockstep."""

    def __init__(self) -> None:
        self.last: FrameId | None = None
        self.late: deque[float] = deque(maxlen=ERRORS)
        self.inner = 0.0
        """Seconds of stages within the one that is on."""
        self._begin()

    def _begin(self) -> None:
        self.began, self.market_ms = time.monotonic(), 0
        self.spent: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """A stage within another one is not that one's time."""
        began, around, self.inner = time.monotonic(), self.inner, 0.0
        try:
            yield
        finally:
            whole = time.monotonic() - began
            self.spent[name] += whole - self.inner
            self.inner = around + whole

    def published(self, first: FrameId, last: FrameId, late_ms: float | None) -> None:
        """Frames are out; `late_ms`: wall milliseconds after the first was due, None where nothing is paced."""
        before = self.last
        near = before is not None and before.generation == last.generation and first.ms - before.ms < NIGHT_MS
        self.market_ms += last.ms - (before.ms if near and before else first.ms)
        self.last = last
        if late_ms is not None:
            self.late.append(late_ms)

    def report(self) -> dict[str, object]:
        """The row's fields, every two seconds; nothing in between."""
        wall = time.monotonic() - self.began
        if wall < EVERY:
            return {}
        stage, seconds = max(self.spent.items(), key=lambda item: item[1], default=("", 0.0))
        late = sorted(self.late)
        payload: dict[str, object] = {
            "real_speed": self.market_ms / 1000 / wall,
            "clock_error": late[len(late) * 99 // 100] if late else None,
            "bottleneck": stage if seconds > WORTH_NAMING * wall else "",
        }
        self._begin()
        return payload
