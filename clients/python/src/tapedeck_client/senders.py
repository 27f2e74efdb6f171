"""What sessions, accounts and orders need of their client."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Protocol, TypeVar

from tapedeck_client.calls import Call
from tapedeck_client.streams.async_connections import AsyncConnection
from tapedeck_client.streams.connections import Connection
from tapedeck_client.streams.place import Place

T = TypeVar("T")


class Sender(Protocol):
    """A client for plain Python."""

    def send(self, call: Call[T]) -> T: ...
    def connect(self, place: Place) -> AbstractContextManager[Connection]: ...


class AsyncSender(Protocol):
    """A client for asyncio."""

    async def send(self, call: Call[T]) -> T: ...
    def connect(self, place: Place) -> AbstractAsyncContextManager[AsyncConnection]: ...
