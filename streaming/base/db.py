"""Postgres from threads and from asyncio, with connections handed back to the pool after every use."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, connection
from psycopg.errors import IdleInTransactionSessionTimeout

from sessions.postgres_faults import AWAY, state_of

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)
RETRY_AFTER = 0.5
MOST_FAILURES = 8
"""Of a statement that Postgres, which answers, ends again and again."""


def is_away(error: BaseException) -> bool:
    """Whether it is no defect, and may go well the next time: also a deadlock, a timeout, a disk that is full."""
    frozen = isinstance(error.__cause__, IdleInTransactionSessionTimeout)
    return frozen or isinstance(error, OperationalError | InterfaceError)


def is_unreachable(error: BaseException) -> bool:
    """Whether Postgres itself does not answer: a deadlock, a disk that is full, say, is of one statement."""
    state = state_of(error)
    return is_away(error) and (not state or state.startswith(AWAY))


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
    """What `function` answers once Postgres does: a reader that is on its way waits while Postgres is away.

    A statement that Postgres has ended (a timeout, no room) is tried again some times, then the reader gets the error.
    """
    failures = 0
    while True:
        try:
            return await in_thread(function)()
        except (OperationalError, InterfaceError) as error:
            if not is_unreachable(error):
                failures += 1
                log.warning("What a reader waits for failed: %s", error)
                if failures >= MOST_FAILURES:
                    raise
            await asyncio.sleep(RETRY_AFTER)
