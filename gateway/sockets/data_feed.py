"""One tail of a session for all of the process's sockets on it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import Protocol

from django.db import DatabaseError, InterfaceError

from gateway.data.best_quotes import BestQuotes
from gateway.data.trades_quotes import KINDS
from gateway.sockets.channels import Channels
from gateway.sockets.daily_bars import DailyBars
from gateway.sockets.frame_messages import Event, Outgoing, complete, minute_block
from gateway.wire.codecs import Codec, Message
from marketdata.hours import DayPart, Hours
from marketdata.kinds import DayKind
from marketdata.units import MILLISECOND_NS
from sessions import keys
from sessions.models import Session
from streaming.as_of.newest_frame import newest_frame
from streaming.base.cancellation import end
from streaming.base.db import in_thread
from streaming.engine.frames.frame import Frame
from streaming.engine.frames.frame_id import FrameId
from streaming.reading.hub import shared_hub
from streaming.reading.reader import Reading, read

log = logging.getLogger(__name__)
LOOK_FOR_REVOKED = 5.0
RELOADS = ("day_open", "revision")
RESTARTED, FAILED, POLICY = 1012, 1011, 1008


class Member(Protocol):
    """A socket as its feed knows it."""

    key_id: str
    codec: Codec
    channels: Channels

    def put(self, messages: list[Message]) -> None: ...

    def seen(self, frame_id: FrameId, *, something: bool) -> None: ...

    def leave(self, code: int) -> None: ...

    @property
    def is_dead(self) -> bool: ...


class Feed:
    """Follows a session from where it stands, for as long as there are members."""

    def __init__(self, session_id: int) -> None:
        self.session_id = session_id
        self.members: set[Member] = set()
        self.daily: DailyBars | None = None
        self.market: BestQuotes | None = None
        self.tail: asyncio.Task[None] | None = None
        self.watch: asyncio.Task[None] | None = None

    @property
    def is_over(self) -> bool:
        """It has sent away its members, or there is nothing more to follow."""
        return self.tail is not None and self.tail.done()

    def start(self) -> None:
        self.tail = asyncio.create_task(self._follow())
        self.tail.add_done_callback(self._ended)
        self.watch = asyncio.create_task(self._watch_keys())
        self.watch.add_done_callback(self._unwatched)

    def stop(self) -> None:
        self.ending = [asyncio.create_task(end(task)) for task in (self.tail, self.watch) if task]

    def _ended(self, tail: asyncio.Task[None]) -> None:
        if not tail.cancelled() and (error := tail.exception()):
            log.error("The feed of session %s failed", self.session_id, exc_info=error)
            self._dismiss(FAILED)

    async def _follow(self) -> None:
        session = await in_thread(Session.objects.with_run().get)(pk=self.session_id)
        cursor = await in_thread(newest_frame)(session)
        place = str(cursor) if cursor else None
        reading = Reading(self.session_id, after=place, from_now=True, kind="gateway", name="alpaca")
        async with shared_hub() as hub, aclosing(read(reading, hub)) as items:  # type: ignore[type-var]
            async for item in items:
                if isinstance(item, Frame):
                    await self._send(session, item)
                elif item.event["type"] == "reset":
                    # The live feed has no way back either: clients come again and find another clock.
                    self._dismiss(RESTARTED)
                    return

    async def _send(self, session: Session, frame: Frame) -> None:
        await self._bring_forward(session, frame)
        outgoing = Outgoing(frame, self.daily, bars_alone(session), await self._quotes(session, frame))
        audiences: dict[tuple[Codec, Channels], list[Member]] = {}
        for member in self.members:
            audiences.setdefault((member.codec, member.channels), []).append(member)
        for (codec, channels), members in audiences.items():
            messages = outgoing.messages(codec, channels)
            for member in members:
                if messages:
                    member.put(messages)
                member.seen(frame.id, something=bool(messages))

    async def _quotes(self, session: Session, frame: Frame) -> list[Event]:
        """What the frame's quotes are to the market, if anybody wants them."""
        blocks = [block for block in frame.ticks if block.kind == DayKind.QUOTES and len(block)]
        if not any(member.channels["quotes"] for member in self.members):
            self.market = None
            return []
        self.market = self.market or BestQuotes(session)
        events: list[Event] = []
        for block in blocks:
            if self.market.lacks(block):
                await in_thread(self.market.begin)(block)
            events += self.market.events(block)
        return events

    async def _bring_forward(self, session: Session, frame: Frame) -> None:
        """The day so far, if anybody wants it; loaded anew with every day, and when it was corrected."""
        if not any(member.channels["dailyBars"] for member in self.members):
            self.daily = None
        elif self._is_loaded_anew(session, frame):
            self.daily = await in_thread(DailyBars.load)(session, frame.id.ms * MILLISECOND_NS)
        elif self.daily and (block := minute_block(frame)):
            self.daily.add(block, complete(block))

    def _is_loaded_anew(self, session: Session, frame: Frame) -> bool:
        """Extended hours add to a day's volume and not to its prices: what they touch is not added up here."""
        if self.daily is None or any(event["type"] in RELOADS for event in frame.extras):
            return True
        block = minute_block(frame) if session.hours == Hours.EXTENDED else None
        return bool(block and (block.part != DayPart.REGULAR or set(block.symbols) - set(self.daily.values)))

    async def _watch_keys(self) -> None:
        """A socket whose key is revoked or deleted ends."""
        while True:
            await asyncio.sleep(LOOK_FOR_REVOKED)
            held = {member.key_id for member in self.members}
            try:
                gone = held - await in_thread(keys.valid)(held)
            except (DatabaseError, InterfaceError) as error:
                log.warning("Whether keys of session %s are still valid is not known: %s", self.session_id, error)
                continue
            for member in [member for member in self.members if member.key_id in gone]:
                member.leave(POLICY)

    def _unwatched(self, task: asyncio.Task[None]) -> None:
        """Without the watch no socket may go on: clients come again with their keys."""
        if not task.cancelled() and (error := task.exception()):
            log.error("Keys of session %s cannot be watched: its sockets end", self.session_id, exc_info=error)
            self._dismiss(RESTARTED)

    def _dismiss(self, code: int) -> None:
        for member in list(self.members):
            member.leave(code)


def bars_alone(session: Session) -> frozenset[str]:
    """Which of `trades` and `quotes` the session does not play."""
    return frozenset(name for name, kind in KINDS.items() if kind not in session.types)


class Feeds:
    """The feeds of a process, and how many sockets each key holds."""

    def __init__(self) -> None:
        self.feeds: dict[int, Feed] = {}
        self.held: dict[str, set[Member]] = {}

    def take_slot(self, key_id: str, member: Member, most: int) -> bool:
        """False where the key has as many. Those of them that are dead make room, and end."""
        holders = self.held.get(key_id, set())
        if len(holders) >= most:
            for dead in [holder for holder in holders if holder.is_dead]:
                dead.leave(POLICY)
                self.free_slot(key_id, dead)
        if len(self.held.get(key_id, ())) >= most:
            return False
        self.held.setdefault(key_id, set()).add(member)
        return True

    def free_slot(self, key_id: str, member: Member) -> None:
        holders = self.held.get(key_id, set())
        holders.discard(member)
        if not holders:
            self.held.pop(key_id, None)

    def join(self, session_id: int, member: Member) -> Feed:
        feed = self.feeds.get(session_id)
        if feed is None or feed.is_over:
            feed = self.feeds[session_id] = Feed(session_id)
            feed.start()
        feed.members.add(member)
        return feed

    def leave(self, feed: Feed, member: Member) -> None:
        """The last one turns off the light."""
        feed.members.discard(member)
        if not feed.members:
            feed.stop()
            if self.feeds.get(feed.session_id) is feed:
                del self.feeds[feed.session_id]
