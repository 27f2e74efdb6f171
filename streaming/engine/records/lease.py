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

from sessions.models import Run
from streaming.engine.records.fence import LeaseLost


@dataclass(slots=True)
class Lease:
    """One claim. `deadline` is this process's monotonic clock: past it, nothing may be published."""

    session_id: int
    epoch: int
    deadline: float
    renewed_before: dt.datetime | None = None
    """When the holder before renewed last; None where it released the session, or there was none."""
    lost: bool = field(default=False)
    refusal: str = field(default="")
    """Why Postgres, which answers, did not renew it the last time."""

    def alive(self) -> bool:
        return not self.lost and time.monotonic() < self.deadline

    def check(self) -> None:
        if not self.alive():
            raise LeaseLost(f"Session {self.session_id}: the lease of epoch {self.epoch} was not renewed in time.")


def ttl() -> dt.timedelta:
    return dt.timedelta(seconds=settings.LEASE_TTL)


def worker_name() -> str:
    return f"replay@{socket.gethostname()}:{os.getpid()}"


# The session's row is locked first, as by everything that the holder writes in a transaction (`fence`). Where somebody
# has it locked, the claim is left for the next look instead of keeping the worker's other sessions waiting.
CLAIM = """
WITH playable AS (
  SELECT s.id, r.lease_renewed_at AS renewed FROM replay_session s JOIN replay_run r ON r.session_id = s.id
   WHERE s.id = %s AND s.state IN ('starting', 'running', 'paused')
     FOR NO KEY UPDATE OF s SKIP LOCKED
)
UPDATE replay_run r SET epoch = r.epoch + 1, worker = %s, lease_renewed_at = clock_timestamp() FROM playable p
 WHERE r.session_id = p.id
   AND (r.lease_renewed_at IS NULL OR r.lease_renewed_at < clock_timestamp() - %s * interval '1 second')
RETURNING r.epoch, p.renewed
"""


def claim(session_id: int) -> Lease | None:
    """Take a session that no worker holds; None when one does, when it is not to be played, or is locked just now."""
    asked = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [session_id, worker_name(), settings.LEASE_TTL])
        row = cursor.fetchone()
    return Lease(session_id, row[0], asked + settings.LEASE_TTL, row[1]) if row else None


# One row that somebody has locked must not keep the others waiting: it is renewed the next time.
RENEW = """
WITH asked AS (
  SELECT * FROM unnest(%s::bigint[], %s::bigint[]) AS a(id, epoch)
), held AS (
  SELECT r.session_id FROM replay_run r JOIN asked a ON r.session_id = a.id AND r.epoch = a.epoch
   ORDER BY r.session_id FOR NO KEY UPDATE OF r SKIP LOCKED
), renewed AS (
  UPDATE replay_run r SET lease_renewed_at = clock_timestamp() FROM held WHERE r.session_id = held.session_id
  RETURNING r.session_id
)
SELECT s.id, s.control_version, renewed.session_id IS NOT NULL
  FROM asked a
  JOIN replay_run r ON r.session_id = a.id AND r.epoch = a.epoch
  JOIN replay_session s ON s.id = a.id
  LEFT JOIN renewed ON renewed.session_id = a.id
"""


def renew(leases: Iterable[Lease]) -> dict[int, int]:
    """Renew all in one statement that waits for nobody; returns session → control version of those still held.

    A lease whose row is locked stays as it is, until its deadline; one whose epoch is not in the table is lost.
    """
    held = list(leases)
    asked = time.monotonic()
    pairs = [[lease.session_id for lease in held], [lease.epoch for lease in held]]
    with connection.cursor() as cursor:
        cursor.execute(RENEW, pairs)
        found = {session_id: (version, renewed) for session_id, version, renewed in cursor.fetchall()}
    for lease in held:
        _, renewed = found.get(lease.session_id, (0, False))
        if renewed:
            lease.deadline, lease.refusal = asked + settings.LEASE_TTL, ""
        elif lease.session_id not in found:
            lease.lost = True
    return {session_id: version for session_id, (version, _) in found.items()}


def release(lease: Lease, **run: object) -> None:
    """Give the session up, so that another worker can have it at once; `run`: last values of the run's fields."""
    Run.objects.filter(pk=lease.session_id, epoch=lease.epoch).update(lease_renewed_at=None, worker="", **run)
