"""Readers that note what they were sent: one that stays, one whose connection is cut again and again."""

from __future__ import annotations

import asyncio
import hashlib
import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import DatabaseError

from streaming.engine.frames.frame_id import FrameId

Heard = tuple[str, str, str]
"""A frame's id, its hash, and a digest of its events."""


def heard_in(wire: dict[str, Any]) -> Heard:
    events = orjson.dumps(wire["events"], option=orjson.OPT_SORT_KEYS)
    return wire["id"], wire["hash"], hashlib.sha256(events).hexdigest()


@dataclass
class Notes:
    """What one reader was sent."""

    name: str
    session_id: int
    frames: list[Heard] = field(default_factory=list)
    snapshots: dict[int, str] = field(default_factory=dict)
    """Generation → the frame of which it got a snapshot: what follows begins after that."""
    connections: int = 0
    error: str = ""
    ended: threading.Event = field(default_factory=threading.Event)


class Listeners:
    """All readers of the arena, in one thread with an event loop."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, name="listeners", daemon=True).start()

    def listen(self, session_id: int) -> Sequence[Notes]:
        notes = [Notes("steady", session_id), Notes("cut", session_id)]
        for note, most in zip(notes, (10**9, 150), strict=True):
            asyncio.run_coroutine_threadsafe(self._note(note, most), self.loop)
        return notes

    async def _note(self, notes: Notes, most: int) -> None:
        try:
            while not await self._connection(notes, self.rng.randint(most // 10, most)):
                pass
        except Exception as error:  # noqa: BLE001 - whatever ends a reader is what the judge wants to know
            notes.error = repr(error)
        notes.ended.set()

    async def _connection(self, notes: Notes, frames: int) -> bool:
        """Read from the last frame on; True at the session's end."""
        from streaming.reading.reader import follow

        notes.connections += 1
        heard = False
        after = notes.frames[-1][0] if notes.frames else None
        reading = follow(notes.session_id, after=after, from_start=after is None)
        try:
            async for item in reading:
                heard = True
                if item["id"]:
                    notes.frames.append(heard_in(item))
                    frames -= 1
                for event in item["events"]:
                    if event["type"] == "end":
                        return True
                    if event["type"] == "snapshot" and event["as_of"]:
                        notes.snapshots[FrameId.parse(event["as_of"]).generation] = event["as_of"]
                if frames <= 0:
                    return False
        except DatabaseError:
            if heard:
                raise  # who is on the way is not to notice; who arrives may be asked to come again
            await asyncio.sleep(0.2)
        finally:
            await reading.aclose()  # type: ignore[attr-defined]
        return False
