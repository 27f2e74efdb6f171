"""One tail of a session for all of the process's sockets on it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import aclosing
from typing import Protocol

from sessions.models import Session, SessionKey
from streaming.db import in_thread
from streaming.ending import end
from streaming.engine.frames import Frame
from streaming.gateway import clock
from streaming.gateway.channels import Channels
from streaming.gateway.codecs import Codec, Message
from streaming.gateway.daily import DailyBars
from streaming.gateway.wire import NS_PER_MS, Outgoing, complete, minute_block
from streaming.reading.hub import shared_hub
from streaming.reading.reader import Reading, read

log = logging.getLogger(__name__)
LOOK_FOR_REVOKED = 5.0
RELOADS = ("day_open", "revision")
RESTARTED, FAILED, REVOKED = 1012, 1011, 1008


class Member(Protocol):
    """A socket as its feed knows it."""

    key_id: str
    codec: Codec
    channels: Channels

    def put(self, messages: list[Message]) -> None: ...

    def leave(self, code: int) -> None: ...


class Feed:
    """Follows a session from where it stands, for as long as there are members."""

    def __init__(self, session_id: int) -> None:
        self.session_id = session_id
        self.members: set[Member] = set()
        self.daily: DailyBars | None = None
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

    def stop(self) -> None:
        self.ending = [asyncio.create_task(end(task)) for task in (self.tail, self.watch) if task]

    def _ended(self, tail: asyncio.Task[None]) -> None:
        if not tail.cancelled() and (error := tail.exception()):
            log.error("The feed of session %s failed", self.session_id, exc_info=error)
            self._dismiss(FAILED)

    async def _follow(self) -> None:
        session = await in_thread(Session.objects.select_related("dataset").get)(pk=self.session_id)
        cursor = await in_thread(clock.newest_frame)(session)
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
        outgoing = Outgoing(frame, self.daily)
        audiences: dict[tuple[Codec, Channels], list[Member]] = {}
        for member in self.members:
            audiences.setdefault((member.codec, member.channels), []).append(member)
        for (codec, channels), members in audiences.items():
            if messages := outgoing.messages(codec, channels):
                for member in members:
                    member.put(messages)

    async def _bring_forward(self, session: Session, frame: Frame) -> None:
        """The day so far, if anybody wants it; loaded anew with every day, and when it was corrected."""
        if not any(member.channels["dailyBars"] for member in self.members):
            self.daily = None
        elif self.daily is None or any(event["type"] in RELOADS for event in frame.extras):
            self.daily = await in_thread(DailyBars.load)(session, frame.id.ms * NS_PER_MS)
        elif block := minute_block(frame):
            self.daily.add(block, complete(block))

    async def _watch_keys(self) -> None:
        """A revoked key's socket ends."""
        while True:
            await asyncio.sleep(LOOK_FOR_REVOKED)
            revoked = SessionKey.objects.filter(session_id=self.session_id).exclude(revoked_at=None)
            gone = await in_thread(set)(revoked.values_list("key_id", flat=True))
            for member in [member for member in self.members if member.key_id in gone]:
                member.leave(REVOKED)

    def _dismiss(self, code: int) -> None:
        for member in list(self.members):
            member.leave(code)


class Feeds:
    """The feeds of a process, and how many sockets each key holds."""

    def __init__(self) -> None:
        self.feeds: dict[int, Feed] = {}
        self.held: Counter[str] = Counter()

    def take_slot(self, key_id: str, most: int) -> bool:
        if self.held[key_id] >= most:
            return False
        self.held[key_id] += 1
        return True

    def free_slot(self, key_id: str) -> None:
        self.held[key_id] -= 1
        if not self.held[key_id]:
            del self.held[key_id]

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
