"""Ended sessions deleted, with everything that is of them: journal, pins, events, keys, accounts."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from marketdata.removal.needed import in_words
from sessions.control import ControlError
from sessions.models import LIVE, Session


class StillLive(ControlError):
    """Live sessions cannot be deleted; `sessions` has their numbers."""

    def __init__(self, sessions: Iterable[int]) -> None:
        self.sessions = sorted(sessions)
        one = len(self.sessions) == 1
        super().__init__(
            f"{in_words(self.sessions).capitalize()} {'is' if one else 'are'} live: "
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
            raise ControlError(f"There is no {in_words(missing)}: nothing was deleted.")
        if live := [number for number, state in states.items() if state in LIVE]:
            raise StillLive(live)
        Session.objects.filter(pk__in=asked).delete()
    return asked
