"""The playhead: where on its day's tape a session stands, how fast it goes, and when its next frame is due."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping

from sessions.models import Session
from streaming.engine.frames.frame_id import milliseconds
from streaming.engine.playing.clock import TimeProvider
from streaming.engine.tape.merge import Tape

LATE_AFTER = 0.25
"""Wall seconds behind its clock at which a session that cannot keep up stops trying to."""


class Playhead:
    """`k` is the next frame of `tape`; `paused`, `speed` and `run_until` are what was last asked for."""

    def __init__(self, tape: Tape, at: dt.datetime | None, session: Session) -> None:
        self.paused, self.speed, self.run_until = session.paused, session.speed, session.run_until
        self.time = TimeProvider(0.0, self.speed)
        self.behind = 0.0
        self.night: TimeProvider | None = None
        """Between two days: the clock on its way to `morning_ms`, the next one's first frame."""
        self.morning_ms = 0
        self.put(tape, at)

    def put(self, tape: Tape, at: dt.datetime | None = None) -> None:
        """Stand in a day: after a moment of it, or before its first frame. Market time goes on from there."""
        self.tape, self.night = tape, None
        self.k = tape.first_after(milliseconds(at)) if at else 0
        self.time.anchor(milliseconds(at) if at else tape.begin_ms)

    def carry_over(self, moving: Mapping[str, float], until_wall: dt.datetime | None) -> None:
        """Go on where market time stood between two frames when the session changed hands, not at the last frame.

        `moving`: what the holder before wrote; `until_wall`: when it was last known to play, where it did not say.
        """
        if self.paused or not self.speed or self.over or "market" not in moving:
            return
        passed = max(0.0, until_wall.timestamp() * 1000 - moving["wall"]) * moving["pace"] if until_wall else 0.0
        now = min(moving["market"] + passed, self.tape.instant(self.k))
        if now > self.time.market_ms:
            self.time.anchor(now)

    def change(self, tape: Tape, after: dt.datetime | None) -> None:
        """Another tape of the same day, which may have other instants; the clock goes on."""
        self.tape = tape
        self.k = tape.first_after(milliseconds(after)) if after else 0

    def obey(self, session: Session) -> None:
        """Market time so far at the old pace, from here on at the new."""
        now = self.time.market_ms if self.paused else self.now()
        if self.night:
            self.night.anchor(self.night.market_ms if self.paused else self.night.now())
        self.time.anchor(now, session.speed)
        self.paused, self.speed, self.run_until = session.paused, session.speed, session.run_until

    def in_night(self, morning: dt.datetime, seconds: float) -> float:
        """Wall seconds until the next day begins: its clock passes the night in so many. 0 where nothing is paced."""
        if not self.speed or self.paused or not seconds:
            return 0.0
        self.morning_ms = milliseconds(morning)
        if self.night is None:
            end = self.tape.instant(len(self.tape) - 1)
            self.night = TimeProvider(end, (self.morning_ms - end) / 1000 / seconds)
        return self.night.seconds_until(self.morning_ms)

    def now(self) -> float:
        """Market time in ms, never past the next frame."""
        return min(self.time.now(), self.tape.instant(min(self.k, len(self.tape) - 1)))

    def hold(self) -> None:
        """Market time stands still: it goes on from here when something lets it."""
        self.time.anchor(self.now())

    @property
    def over(self) -> bool:
        """Whether all frames of the day are out."""
        return self.k >= len(self.tape)

    @property
    def standing(self) -> bool:
        """Whether the session is paused, with no step that reaches beyond what is out already."""
        if not self.paused:
            return False
        if self.over:
            return self.run_until is None or self.run_until <= self.tape.day.end
        return self.run_until is None or milliseconds(self.run_until) < self.tape.instant(self.k)

    def wait(self) -> float:
        """Wall seconds until the next frame is due; only for a session that is not standing."""
        return 0.0 if self.paused else self.time.seconds_until(self.tape.instant(self.k))

    def last_due(self) -> int:
        """The index after the last frame that is due by now, at least one."""
        if self.paused:
            assert self.run_until is not None
            return self.tape.first_after(milliseconds(self.run_until))
        if self.speed == 0:
            return len(self.tape)
        return max(self.k + 1, self.tape.first_after(int(self.time.now())))

    def late(self, ms: int) -> float | None:
        """Wall milliseconds since that moment was due; None where nothing is paced."""
        return (self.time.now() - ms) / self.speed if self.speed and not self.paused else None

    def played(self, last_ms: int, *, held_up: bool) -> None:
        """Frames up to `last_ms` are out; where that took too long, nothing is caught up in a burst."""
        self.behind = (self.late(last_ms) or 0.0) / 1000
        if held_up or self.speed == 0 or self.paused or self.behind > LATE_AFTER:
            self.time.anchor(last_ms)

    def moving(self, *, still: bool) -> dict[str, float]:
        """For whoever shows market time between frames; it may not pass `until`, the next frame's instant."""
        stands = still or self.paused or self.speed == 0
        if self.night:
            now = self.night.market_ms if stands else self.night.now()
            return {
                "market": min(now, self.morning_ms),
                "wall": time.time() * 1000,
                "pace": 0 if stands else self.night.speed,
                "late": 0,
                "until": self.morning_ms,
            }
        return {
            "market": self.time.market_ms if stands else self.now(),
            "wall": time.time() * 1000,
            "pace": 0 if stands else self.speed,
            "late": 0 if stands else self.behind,
            "until": self.tape.instant(min(self.k, len(self.tape) - 1)),
        }
