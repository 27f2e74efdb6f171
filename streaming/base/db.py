"""Postgres from threads and from asyncio, with connections handed back to the pool after every use."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, connection
from psycopg.errors import IdleInTransactionSessionTimeout

P = ParamSpec("P")
T = TypeVar("T")
RETRY_AFTER = 0.5
OF_THE_SERVER = ("08", "25P03", "53", "57P")
"""Classes of SQLSTATE: connections, a frozen transaction, resources, shutdowns."""


def is_away(error: BaseException) -> bool:
    """Whether Postgres does not answer, or has ended the transaction in which this process was frozen."""
    frozen = isinstance(error.__cause__, IdleInTransactionSessionTimeout)
    return frozen or isinstance(error, OperationalError | InterfaceError)


def is_unreachable(error: BaseException) -> bool:
    """Whether it says that Postgres itself does not answer, or has no room: a deadlock, say, is of one statement."""
    state = getattr(error.__cause__, "sqlstate", None)
    return is_away(error) and (state is None or state.startswith(OF_THE_SERVER))


@contextmanager
def connected() -> Iterator[None]:
    """A worker's thread keeps no connection while it waits: 200 sessions share a small pool."""
    try:
        yield
    finally:
        if not connection.in_atomic_block:
            connection.close()


def in_thread(function: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """`function` as a coroutine that runs it in a thread of its own."""

    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        with connected():
            return function(*args, **kwargs)

    return sync_to_async(call, thread_sensitive=False)


async def waited_for(function: Callable[[], T]) -> T:
    """What `function` answers once Postgres does: a reader that is on its way waits while Postgres is away."""
    while True:
        try:
            return await in_thread(function)()
        except (OperationalError, InterfaceError):
            await asyncio.sleep(RETRY_AFTER)
