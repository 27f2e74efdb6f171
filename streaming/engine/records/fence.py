"""Writes that only the lease's holder may make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, transaction

# In one trip. The second statement sees what is there once the first has the lock. A holder that is frozen meanwhile
# loses lock and transaction along with its lease: else nobody could claim the session before it wakes.
FENCE = """
SELECT id, set_config('idle_in_transaction_session_timeout', %s, true)
  FROM replay_session WHERE id = %s FOR NO KEY UPDATE;
SELECT EXISTS (SELECT FROM replay_run WHERE session_id = %s AND epoch = %s)
"""


class LeaseLost(Exception):
    """This worker no longer holds the session: another does, or it may not be sure."""


@contextmanager
def fenced(session_id: int, epoch: int | None) -> Iterator[None]:
    """A transaction in which no other worker can claim the session, for a claim locks the session's row first.

    `epoch` None: somebody who prepares a session that no worker has yet. Raises LeaseLost.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(FENCE, [f"{settings.LEASE_TTL * 1000:.0f}ms", session_id, session_id, epoch])
            there = cursor.fetchone()
            cursor.nextset()
            (held,) = cursor.fetchone()
        if not there or (epoch is not None and not held):
            raise LeaseLost(f"Session {session_id} is no longer at epoch {epoch}.")
        yield
