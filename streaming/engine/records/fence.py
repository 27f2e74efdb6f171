"""Writes that only the lease's holder may make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from sessions.models import Run, Session


class LeaseLost(Exception):
    """This worker no longer holds the session: another does, or it may not be sure."""


@contextmanager
def fenced(session_id: int, epoch: int | None) -> Iterator[None]:
    """A transaction in which no other worker can claim the session, for a claim locks the session's row first.

    `epoch` None: somebody who prepares a session that no worker has yet. Raises LeaseLost.
    """
    with transaction.atomic():
        Session.objects.select_for_update(no_key=True).only("pk").get(pk=session_id)
        if epoch is not None and not Run.objects.filter(pk=session_id, epoch=epoch).exists():
            raise LeaseLost(f"Session {session_id} is no longer at epoch {epoch}.")
        yield
