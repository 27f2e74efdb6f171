"""One reader on its way through a session: where it joins, what it missed, what ends it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Generic, TypeVar

from sessions.models import ENDED, Session
from streaming.as_of.newest_frame import beginning_ms
from streaming.as_of.session_data import position_of
from streaming.engine.frames.frame import Frame
from streaming.engine.frames.frame_id import FrameId, milliseconds, rfc3339
from streaming.engine.frames.stretch import Stretch
from streaming.reading.asides import Alongside, Aside
from streaming.reading.hub import Hub
from streaming.reading.items import Notice, Reading, in_parts
from streaming.reading.shared_tail import SharedTail
from streaming.reading.stretch_json import Run

Part = TypeVar("Part", Frame, Stretch, Frame | Run)
Parts = Callable[[Stretch, FrameId | None, bool], Iterable[Part]]
"""What is made of a stretch for a reader, after its cursor; and whether something comes between its frames."""


class Follower(Generic[Part]):
    """One reader's place in a session; `parts`: what it gets of a stretch, after its cursor."""

    def __init__(
        self,
        reading: Reading,
        hub: Hub,
        shared: SharedTail,
        parts: Parts[Part],
    ) -> None:
        self.reading, self.hub, self.shared = reading, hub, shared
        self.parts: Parts[Part] = parts
        self.history = hub.history(shared)
        self.generation = shared.generation
        self.state = ""
        self.live = False
        self.lost: list[Notice] = []
        self.asides = Alongside(reading.asides, reading.place or FrameId(self.generation, 0, 0))

    async def items(self) -> AsyncIterator[Part | Notice | Aside]:
        async for item in self._join():
            yield item
        while True:
            news = self.shared.changed
            if self.shared.generation != self.generation:
                async for item in self._reset(f"moved to generation {self.shared.generation}"):
                    yield item
            for notice in self._state(ended=False):
                yield notice
            frames = self.shared.since(self.reading.cursor)
            if frames is None:
                for notice in self._lagging():
                    yield notice
                frames = await self._past()
                while self.lost:
                    yield self.lost.pop()
            over = not frames and self.shared.over(self.reading.cursor)
            await self.asides.learn(frames[-1].id.ms if frames else self._clock_ms)
            for aside in self.asides.reached(self._clock_ms):
                yield aside
            for part in self._parts(frames):
                self.reading.cursor = part.id
                yield part
                for aside in self.asides.reached(part.id.ms):
                    yield aside
                if self.reading.lockstep:
                    for notice in await self._acknowledged():
                        yield notice
            if over:
                for notice in self._state(ended=True):
                    yield notice
                return
            if not frames:
                self.live = True
                await self.shared.news(news)

    @property
    def _clock_ms(self) -> int:
        """What the reader has come to: a frame, or the beginning."""
        return self.reading.cursor.ms if self.reading.cursor else beginning_ms(self.shared.session)

    def _parts(self, stretches: list[Stretch]) -> Iterator[Part]:
        """What is after the cursor, as long as the session plays the generation that it is of."""
        for stretch in stretches:
            between = self.reading.lockstep is not None or self.asides.are_due(stretch.id.ms)
            for part in self.parts(stretch, self.reading.cursor, between):
                if self.shared.generation != self.generation:
                    return
                yield part

    # --- joining ------------------------------------------------------------------------------------

    async def _join(self) -> AsyncIterator[Notice | Aside]:
        reading = self.reading
        if reading.cursor and (reason := _out_of_place(reading.cursor, self.shared.session)):
            async for item in self._reset(reason):
                yield item
        elif reading.from_now and not reading.cursor:
            reading.cursor = position_of(self.shared.session)
            await self.asides.move(reading.cursor, behind=True)
        elif not reading.from_start and not reading.cursor:
            async for item in self._snapshot():
                yield item

    async def _reset(self, reason: str) -> AsyncIterator[Notice | Aside]:
        """What the reader has is not what the session plays: it begins anew, with the day so far."""
        self.generation, self.reading.cursor, self.live = self.shared.generation, None, False
        yield Notice({"type": "reset", "reason": reason})
        async for item in self._snapshot(anew=True):
            yield item

    async def _snapshot(self, *, anew: bool = False) -> AsyncIterator[Notice | Aside]:
        """`anew`: with the generation's asides so far."""
        event = await self.hub.snapshot(self.shared, self.reading.selection)
        if event["as_of"]:
            self.reading.cursor = FrameId.parse(event["as_of"])
        await self.asides.move(FrameId(self.generation, 0, 0) if anew else self.reading.cursor, behind=not anew)
        await self.asides.learn(self._clock_ms)
        for aside in self.asides.reached(self._clock_ms):
            yield aside
        for notice in in_parts(event):
            yield notice
        for notice in await self._acknowledged():
            yield notice

    # --- lockstep -----------------------------------------------------------------------------------

    async def _acknowledged(self) -> list[Notice]:
        """Asking for the next frame acknowledges the one before; a reader that was released gets one notice of it."""
        step, cursor = self.reading.lockstep, self.reading.cursor
        if step is None or cursor is None:
            return []
        step.sent = cursor
        if step.by_hand or await step.acknowledge(cursor):
            return []
        self.reading.lockstep = None
        reason = f"lockstep reader {step.name} was silent for too long: the replay does not wait for it any more"
        return [Notice({"type": "lagging", "clock": rfc3339(cursor.ms), "reason": reason})]

    # --- the past -----------------------------------------------------------------------------------

    async def _past(self) -> list[Stretch]:
        """Frames from before those that the tail holds."""
        until = self.shared.oldest
        if until is None or until.generation != self.generation:
            return []
        frames = await self.history.after(self.shared.session, self.reading.cursor, until)
        if not frames:
            # They can be neither read nor re-derived: the place moves on behind them, and the reader is notified.
            reason = f"the frames after {self.reading.cursor or 'the start'} up to {until} are lost"
            self.lost.append(Notice({"type": "lagging", "clock": rfc3339(until.ms), "reason": reason}))
            self.reading.cursor = until
        return frames

    def _lagging(self) -> list[Notice]:
        """Say once that a reader who was up to date has fallen behind what the tail holds."""
        if not self.live:
            return []
        self.live = False
        cursor, head = self.reading.cursor, self.shared.head
        clock = rfc3339(cursor.ms) if cursor else None
        behind = max(0, head.ms - cursor.ms) // 1000 if cursor and head else None
        return [Notice({"type": "lagging", "clock": clock, "seconds": behind, "head": str(head) if head else None})]

    # --- the row ------------------------------------------------------------------------------------

    def _state(self, *, ended: bool) -> list[Notice]:
        """The state, once for each; `end` after the last frame."""
        row = self.shared.session
        if row.state == self.state or (row.state in ENDED) != ended:
            return []
        self.state = row.state
        clock = rfc3339(self.reading.cursor.ms) if self.reading.cursor else None
        fields = {"state": row.state, "reason": row.reason, "clock": clock}
        kinds = ("state", "end") if ended else ("state",)
        return [Notice({"type": kind, **fields}) for kind in kinds]


def _out_of_place(cursor: FrameId, session: Session) -> str:
    """Why a cursor is none of this session as it is; empty where it is one."""
    if cursor.generation != session.run.generation:
        return f"cursor of generation {cursor.generation}, the session is at {session.run.generation}"
    days = session.calendar.trading_days(session.start_date, session.end_date)
    if not milliseconds(days[0].begin) <= cursor.ms <= milliseconds(days[-1].end):
        return f"cursor {cursor} is outside the session: it plays {days[0].date} to {days[-1].date}"
    return ""
