"""What went wrong in a round of upkeep: noted, and kept from ending the rest of the round."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sessions.models import Session
from streaming.base.db import is_unreachable

log = logging.getLogger(__name__)
EVENT = "upkeep_failed"


class Problems:
    """The problems of one round, as texts for people."""

    def __init__(self) -> None:
        self.found: list[str] = []

    @contextmanager
    def of(self, part: Session | str) -> Iterator[None]:
        """A session, or a part of the round that is about all of them. Raises what says that Postgres is away alone."""
        try:
            yield
        except Exception as error:
            if is_unreachable(error):
                raise  # it ends the round, and the next one begins anew
            log.exception("Upkeep of %s failed", part)
            reason = str(error) or type(error).__name__
            self.found.append(f"Upkeep of {part if isinstance(part, str) else f'session {part.pk}'} failed: {reason}")
            if isinstance(part, Session):
                record_once(part, reason)


def record_once(session: Session, reason: str, kind: str = EVENT, **data: str) -> None:
    """An event of the session, unless its last one of that kind says the same."""
    last = session.events.filter(kind=kind).order_by("-id").first()
    if last is None or last.message != reason:
        session.record(kind, reason, level="warning", **data)
