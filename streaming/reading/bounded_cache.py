"""A cache bounded by bytes whose entries are made once, however many ask for them at the same time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from streaming.base.cancellation import end

T = TypeVar("T")


class ByteBoundedCache(Generic[T]):
    """For one event loop. The least recently used go first; what alone exceeds the bound is not kept."""

    def __init__(self, most_bytes: int, size: Callable[[T], int]) -> None:
        self.most_bytes, self.size = most_bytes, size
        self.held: OrderedDict[Hashable, T] = OrderedDict()
        self.bytes = 0
        self.making: dict[Hashable, asyncio.Task[T]] = {}

    def find(self, key: Hashable) -> T | None:
        found = self.held.get(key)
        if found is not None:
            self.held.move_to_end(key)
        return found

    def keep(self, key: Hashable, value: T) -> None:
        size = self.size(value)
        if key in self.held or size > self.most_bytes:
            return
        self.held[key] = value
        self.bytes += size
        while self.bytes > self.most_bytes:
            self.bytes -= self.size(self.held.popitem(last=False)[1])

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]], keep: Callable[[T], bool]) -> T:
        """The held value, the one that is being made already, or what `make` returns; held where `keep` says so."""
        found = self.find(key)
        if found is not None:
            return found
        task = self.making.get(key)
        if task is None:
            task = self.making[key] = asyncio.ensure_future(self._make(key, make, keep))
        # One reader that goes away must not end it for the others.
        return await asyncio.shield(task)

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[T]], keep: Callable[[T], bool]) -> T:
        try:
            value = await make()
        finally:
            del self.making[key]
        if keep(value):
            self.keep(key, value)
        return value

    async def aclose(self) -> None:
        for task in list(self.making.values()):
            await end(task)
