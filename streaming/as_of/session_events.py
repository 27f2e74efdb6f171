"""What a session's events and its row show to those who may not look ahead of its clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from sessions.models import Announcement, Session, SessionEvent

OF_A_DAYS_DATA = (
    *(Announcement.Kind.PREFETCH, Announcement.Kind.DAY_READY, Announcement.Kind.NEWER),
    *("prefetch_failed", "refill"),
)
"""Kinds of events that say what the store has of a day: its later minutes among them."""


def events_as_of(session: Session) -> QuerySet[SessionEvent]:
    """All events but those about the data of a day that is not over by the session's date."""
    past = Q(data__date__lt=date_of(session).isoformat())
    return session.events.filter(~Q(kind__in=OF_A_DAYS_DATA) | past)


def of_no_days_data(events: QuerySet[SessionEvent]) -> QuerySet[SessionEvent]:
    """Events of many sessions, without any about the data of a day."""
    return events.exclude(kind__in=OF_A_DAYS_DATA)


def held_as_of(session: Session) -> Mapping[str, Any]:
    """The days in the worker's memory up to the current one; how many bars they have is known at their end."""
    return held_up_to(date_of(session), session.run.days_held)


def held_up_to(date: dt.date, days_held: Iterable[dt.date]) -> Mapping[str, Any]:
    """The fields of a session's row, without later days than that date."""
    return {"days_held": [day for day in days_held if day <= date], "bars_held": None}


def date_of(session: Session) -> dt.date:
    """The current day's."""
    clock = session.run.clock
    return session.calendar.session_date_of(clock) if clock else session.first_date
