"""Streams end when the right to read them does: one question every few seconds for all open streams of a process."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from weakref import WeakKeyDictionary

from django.db import DatabaseError, InterfaceError

from streaming.base.cancellation import end
from streaming.base.db import in_thread
from web.holders import Holder, entitled

log = logging.getLogger(__name__)
LOOK_EVERY_SECONDS = 3.0


class Watch:
    """The watch of one event loop, for as long as it has streams."""

    def __init__(self) -> None:
        self.streams: defaultdict[Holder, set[asyncio.Event]] = defaultdict(set)
        self.task = asyncio.create_task(self._run())
        self.task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Without the watch no stream may go on: clients come again, and are asked for their right."""
        if not task.cancelled() and (error := task.exception()):
            log.error("Whether readers may still read cannot be watched: their streams end", exc_info=error)
            for ended in set().union(*self.streams.values()):
                ended.set()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            try:
                await self._look()
            except (DatabaseError, InterfaceError) as error:
                log.warning("Whether readers may still read is not known: %s", error)

    async def _look(self) -> None:
        holders = set(self.streams)
        for holder in holders - await in_thread(entitled)(holders):
            for ended in self.streams.get(holder, ()):
                ended.set()


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, Watch] = WeakKeyDictionary()


class Watched:
    """`async with Watched(holder) as ended`: an event that is set once the holder may no longer read."""

    def __init__(self, holder: Holder) -> None:
        self.holder, self.ended = holder, asyncio.Event()

    async def __aenter__(self) -> asyncio.Event:
        loop = asyncio.get_running_loop()
        watch = _watches.get(loop)
        if watch is None:
            watch = _watches[loop] = Watch()
        self.watch = watch
        watch.streams[self.holder].add(self.ended)
        return self.ended

    async def __aexit__(self, *_: object) -> None:
        streams = self.watch.streams
        streams[self.holder].discard(self.ended)
        if not streams[self.holder]:
            del streams[self.holder]
        if not streams and _watches.get(asyncio.get_running_loop()) is self.watch:
            del _watches[asyncio.get_running_loop()]
            await end(self.watch.task)
