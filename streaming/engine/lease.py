"""Who plays a session: a lease in Postgres, on Postgres's clock, with an epoch that fences off whoever lost it."""

from __future__ import annotations

import datetime as dt
import os
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection

from sessions.models import Session
from streaming.engine.journal import LeaseLost


@dataclass(slots=True)
class Lease:
    """One claim. `deadline` is this process's monotonic clock: past it, nothing may be published."""

    session_id: int
    epoch: int
    deadline: float
    lost: bool = field(default=False)

    def alive(self) -> bool:
        return not self.lost and time.monotonic() < self.deadline

    def check(self) -> None:
        if not self.alive():
            raise LeaseLost(f"Session {self.session_id}: the lease of epoch {self.epoch} was not renewed in time.")


def ttl() -> dt.timedelta:
    return dt.timedelta(seconds=settings.LEASE_TTL)


def worker_name() -> str:
    return f"replay@{socket.gethostname()}:{os.getpid()}"


CLAIM = """
UPDATE replay_session SET epoch = epoch + 1, worker = %s, lease_renewed_at = clock_timestamp()
 WHERE id = %s AND state IN ('starting', 'running', 'paused')
   AND (lease_renewed_at IS NULL OR lease_renewed_at < clock_timestamp() - %s * interval '1 second')
RETURNING epoch
"""


def claim(session_id: int) -> Lease | None:
    """Take a session that nobody holds; None when somebody does, or when it is not to be played."""
    asked = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [worker_name(), session_id, settings.LEASE_TTL])
        row = cursor.fetchone()
    return Lease(session_id, row[0], asked + settings.LEASE_TTL) if row else None


# Rows are locked by number, as by the scribe, whose statement goes over the same ones.
RENEW = """
WITH mine AS (
  SELECT s.id FROM replay_session s JOIN unnest(%s::bigint[], %s::bigint[]) AS held(id, epoch)
      ON s.id = held.id AND s.epoch = held.epoch
   ORDER BY s.id FOR NO KEY UPDATE OF s
)
UPDATE replay_session s SET lease_renewed_at = clock_timestamp() FROM mine WHERE s.id = mine.id
RETURNING s.id, s.control_version
"""


def renew(leases: Iterable[Lease]) -> dict[int, int]:
    """Renew all in one statement; returns session → control version. Those not returned are lost."""
    held = list(leases)
    asked = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(RENEW, [[lease.session_id for lease in held], [lease.epoch for lease in held]])
        versions = dict(cursor.fetchall())
    for lease in held:
        if lease.session_id in versions:
            lease.deadline = asked + settings.LEASE_TTL
        else:
            lease.lost = True
    return versions


def release(lease: Lease) -> None:
    """Let the session go, so that another worker can have it at once."""
    Session.objects.filter(pk=lease.session_id, epoch=lease.epoch).update(lease_renewed_at=None, worker="")
