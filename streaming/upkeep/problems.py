"""What went wrong in a round of upkeep: noted, and kept from ending the rest of the round."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sessions.models import Session
from sessions.postgres_faults import refusal
from streaming.base.db import is_unreachable

log = logging.getLogger(__name__)
EVENT = "upkeep_failed"
LAST = 10
"""Events of a kind that are looked at: several parts of a session's upkeep may fail in each round."""


class Problems:
    """The problems of one round, as texts for people."""

    def __init__(self) -> None:
        self.found: list[str] = []

    @contextmanager
    def of(self, part: Session | str, ends: tuple[type[Exception], ...] = ()) -> Iterator[None]:
        """A session, or a part of the round that is about all of them. Raises what says that Postgres is away alone.

        `ends`: likewise, what would meet the parts after this one too.
        """
        try:
            yield
        except Exception as error:
            if is_unreachable(error) or isinstance(error, ends):
                raise  # it ends the round, and the next one begins anew
            log.exception("Upkeep of %s failed", part)
            reason = refusal(error) or str(error) or type(error).__name__
            problem = f"Upkeep of {part if isinstance(part, str) else f'session {part.pk}'} failed: {reason}"
            if problem not in self.found:
                self.found.append(problem)
            if isinstance(part, Session):
                self._record(part, reason)

    def _record(self, session: Session, reason: str) -> None:
        """What is wrong with a session may be that nothing can be written about it."""
        try:
            record_once(session, reason)
        except Exception as error:
            if is_unreachable(error):
                raise
            log.exception("No event of session %s says that its upkeep failed", session.pk)


def record_once(session: Session, reason: str, kind: str = EVENT, **data: str) -> None:
    """An event of the session, unless one of its last ones of that kind says the same."""
    last = session.events.filter(kind=kind).order_by("-id")[:LAST]
    if reason not in [event.message for event in last]:
        session.record(kind, reason, level="warning", **data)
