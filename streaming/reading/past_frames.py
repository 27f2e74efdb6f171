"""Frames that no tail holds any more: from the Redis Stream page by page, else re-derived day by day.

Shared by all readers of the process: a page is read and a day re-derived once, however many ask for it.
"""

from __future__ import annotations

import asyncio
import logging

import redis

from sessions.models import Session
from streaming.base.db import waited_for
from streaming.engine.frames.frame_id import FrameId, milliseconds, moment
from streaming.engine.frames.stretch import Stretch
from streaming.engine.publishing.bus import PAGE, BadFrame, Tail
from streaming.engine.records import position_writer
from streaming.reading import rederive
from streaming.reading.bounded_cache import ByteBoundedCache
from streaming.reading.selection import TICKS

log = logging.getLogger(__name__)

Frames = list[Stretch]
MARKED_WITHIN = 20
"""Looks for the mark of a day that has just begun."""
PART_BYTES = 16 << 20
"""How much of frames with trades and quotes is re-derived at a time."""


def frames_cache(most_bytes: int) -> ByteBoundedCache[Frames]:
    return ByteBoundedCache(most_bytes, lambda frames: sum(stretch.size for stretch in frames))


class History:
    """The past of one session's current generation."""

    def __init__(self, tail: Tail, cache: ByteBoundedCache[Frames]) -> None:
        self.tail, self.cache = tail, cache

    async def after(self, session: Session, cursor: FrameId | None, until: FrameId) -> Frames:
        """The next frames after `cursor`, some of those up to `until`; empty only when there are none."""
        generation = until.generation
        page = await self._page(generation, cursor)
        if page and page[0].prev in (None, cursor):  # none is before the first of a generation
            return _unbroken(page)
        missing_until = min(page[0].prev or until, until) if page else until
        frames = await self._made_again(session, cursor, missing_until)
        if not frames:
            log.warning("Session %s: frames from %s to %s cannot be re-derived", session.pk, cursor, missing_until)
            return _unbroken(page)
        return frames

    async def _made_again(self, session: Session, cursor: FrameId | None, until: FrameId) -> Frames:
        """Some frames that are missing; where the newest day was published a moment ago, once it is marked."""
        for _ in range(MARKED_WITHIN):
            if frames := await self._day(session, cursor, until):
                return frames
            await asyncio.sleep(position_writer.EVERY)
        return []

    async def _page(self, generation: int, cursor: FrameId | None) -> Frames:
        key = ("page", self.tail.session_id, generation, cursor)
        try:
            return await self.cache.get(key, lambda: self.tail.page(generation, cursor), lambda page: len(page) == PAGE)
        except BadFrame as error:
            log.error("Session %s: %s It is re-derived.", self.tail.session_id, error)
            return []
        except redis.RedisError as error:
            log.warning("Session %s: frames are re-derived, for Redis answers: %s", self.tail.session_id, error)
            return []

    async def _day(self, session: Session, cursor: FrameId | None, until: FrameId) -> Frames:
        """The rest of the cursor's day, or the next day that has frames; the complete day is what is kept.

        Of days with trades and quotes only a part at a time, which all who stand at the same place share.
        """
        if set(session.types) & set(TICKS):
            part = ("part", session.pk, until.generation, cursor, until)
            return await self.cache.get(part, lambda: _part(session, cursor, until), bool)
        before = _day_floor(session, cursor)
        key = ("day", session.pk, until.generation, before)
        frames = self.cache.find(key)
        if frames is None:
            partial = (*key, until)
            frames = await self.cache.get(
                partial, lambda: _rederived(session, before, until), lambda day: bool(day) and not _closes(session, day)
            )
            if _closes(session, frames):
                self.cache.keep(key, frames)
        wanted = [stretch.until(until) for stretch in frames if stretch.first <= until]
        return [stretch.later(cursor) for stretch in wanted if cursor is None or stretch.id > cursor]


def _unbroken(page: Frames) -> Frames:
    """The page up to its first hole: what is missing there is the next question."""
    for i in range(1, len(page)):
        if page[i].prev != page[i - 1].id:
            return page[:i]
    return page


def _closes(session: Session, frames: Frames) -> bool:
    """Whether the day is complete."""
    days = session.calendar
    if not frames:
        return False
    clock = moment(frames[-1].id.ms)
    return clock >= days.trading_day(days.session_date_of(clock)).end


def _day_floor(session: Session, cursor: FrameId | None) -> FrameId | None:
    """The id that every frame of the cursor's day comes after; the cursor itself once that day is over."""
    if cursor is None:
        return None
    days = session.calendar
    date = days.session_date_of(moment(cursor.ms))
    if not days.is_trading_day(date):
        return cursor
    day = days.trading_day(date)
    inside = milliseconds(day.begin) <= cursor.ms < milliseconds(day.end)
    return FrameId(cursor.generation, milliseconds(day.begin) - 1, 0) if inside else cursor


async def _part(session: Session, cursor: FrameId | None, until: FrameId) -> Frames:
    return await waited_for(lambda: rederive.part_after(session, cursor, until, PART_BYTES))


async def _rederived(session: Session, before: FrameId | None, until: FrameId) -> Frames:
    def day() -> Frames:
        return next(rederive.frames_between(session, before, until), [])

    return await waited_for(day)
