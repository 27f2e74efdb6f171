"""Ended sessions deleted, with everything that is of them: journal, pins, events, keys, accounts."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from sessions.control import ControlError
from sessions.models import LIVE, Session

SHOWN = 20


class StillLive(ControlError):
    """Live sessions cannot be deleted; `sessions` has their numbers."""

    def __init__(self, sessions: Iterable[int]) -> None:
        self.sessions = sorted(sessions)
        one = len(self.sessions) == 1
        super().__init__(
            f"{numbered(self.sessions).capitalize()} {'is' if one else 'are'} live: "
            f"stop {'it' if one else 'them'} first, then delete."
        )


def delete_sessions(numbers: Iterable[int]) -> list[int]:
    """All of them or none; returns their numbers. Raises StillLive, and ControlError for one that does not exist.

    Their frames in Redis go with upkeep's next cleaning.
    """
    asked = sorted(set(numbers))
    with transaction.atomic():
        rows = Session.objects.select_for_update().filter(pk__in=asked).order_by("pk")
        states = dict(rows.values_list("pk", "state"))
        if missing := [number for number in asked if number not in states]:
            raise ControlError(f"There is no {numbered(missing)}: nothing was deleted.")
        if live := [number for number, state in states.items() if state in LIVE]:
            raise StillLive(live)
        Session.objects.filter(pk__in=asked).delete()
    return asked


def numbered(numbers: Iterable[int]) -> str:
    """session 3; sessions 3, 4 and 20 more."""
    found = sorted(set(numbers))
    more = f" and {len(found) - SHOWN:,} more" if len(found) > SHOWN else ""
    return f"session{'s' * (len(found) > 1)} {', '.join(map(str, found[:SHOWN]))}{more}"
