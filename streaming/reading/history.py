"""Frames that are no longer at hand: from the Redis Stream page by page, else made again day by day.

Shared by all readers of the process: a page is read and a day re-derived once, however many want it.
"""

from __future__ import annotations

import logging

import redis

from marketdata import calendar
from sessions.models import Session
from streaming.db import waited_for
from streaming.engine.bus import PAGE, Tail
from streaming.engine.frames import Frame, FrameId, milliseconds, moment
from streaming.reading import rederive
from streaming.reading.shelf import Shelf
from streaming.reading.wanted import TICKS

log = logging.getLogger(__name__)

Frames = list[Frame]
PART_BYTES = 16 << 20
"""Of frames with trades and quotes that are made again at a time."""


def frames_shelf(most_bytes: int) -> Shelf[Frames]:
    return Shelf(most_bytes, lambda frames: sum(frame.size + 500 for frame in frames))


class History:
    """The past of one session's current generation."""

    def __init__(self, tail: Tail, shelf: Shelf[Frames]) -> None:
        self.tail, self.shelf = tail, shelf

    async def after(self, session: Session, cursor: FrameId | None, until: FrameId) -> Frames:
        """The next frames after `cursor`, some of those up to `until`; empty only when there are none."""
        generation = until.generation
        page = await self._page(generation, cursor)
        if page and page[0].prev in (None, cursor):  # none is before the first of a generation
            return _unbroken(page)
        missing_until = min(page[0].prev or until, until) if page else until
        frames = await self._day(session, cursor, missing_until)
        if not frames:
            log.warning("Session %s: frames from %s to %s cannot be made again", session.pk, cursor, missing_until)
            return _unbroken(page)
        return frames

    async def _page(self, generation: int, cursor: FrameId | None) -> Frames:
        key = ("page", self.tail.session_id, generation, cursor)
        try:
            return await self.shelf.get(key, lambda: self.tail.page(generation, cursor), lambda page: len(page) == PAGE)
        except (redis.ConnectionError, redis.TimeoutError):
            return []  # made again instead

    async def _day(self, session: Session, cursor: FrameId | None, until: FrameId) -> Frames:
        """The rest of the cursor's day, or the next day that has frames; the day as a whole is what is kept.

        Of days with trades and quotes only a part at a time, which all who stand at the same place share.
        """
        if set(session.types) & set(TICKS):
            part = ("part", session.pk, until.generation, cursor, until)
            return await self.shelf.get(part, lambda: _part(session, cursor, until), lambda _: True)
        before = _day_floor(cursor)
        key = ("day", session.pk, until.generation, before)
        frames = self.shelf.find(key)
        if frames is None:
            partial = (*key, until)
            frames = await self.shelf.get(
                partial, lambda: _rederived(session, before, until), lambda day: not _closes(day)
            )
            if _closes(frames):
                self.shelf.keep(key, frames)
        return [frame for frame in frames if (cursor is None or frame.id > cursor) and frame.id <= until]


def _unbroken(page: Frames) -> Frames:
    """The page up to its first hole: what is missing there is the next question."""
    for i in range(1, len(page)):
        if page[i].prev != page[i - 1].id:
            return page[:i]
    return page


def _closes(frames: Frames) -> bool:
    """Whether the day is whole."""
    return bool(frames) and any(event["type"] == "day_close" for event in frames[-1].extras)


def _day_floor(cursor: FrameId | None) -> FrameId | None:
    """The id that every frame of the cursor's day comes after; the cursor itself once that day is over."""
    if cursor is None:
        return None
    date = calendar.session_date_of(moment(cursor.ms))
    if not calendar.is_trading_day(date):
        return cursor
    day = calendar.trading_day(date)
    inside = milliseconds(day.open) <= cursor.ms < milliseconds(day.close)
    return FrameId(cursor.generation, milliseconds(day.open) - 1, 0) if inside else cursor


async def _part(session: Session, cursor: FrameId | None, until: FrameId) -> Frames:
    return await waited_for(lambda: rederive.part_after(session, cursor, until, PART_BYTES))


async def _rederived(session: Session, before: FrameId | None, until: FrameId) -> Frames:
    def day() -> Frames:
        return next(rederive.frames_between(session, before, until), [])

    return await waited_for(day)
