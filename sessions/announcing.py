"""What is announced to a session: a row that programs read, once, and an event for people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from sessions.models import Announcement, Session


def announce(
    session: Session,
    kind: str,
    date: dt.date,
    message: str,
    data: Mapping[str, Any],
    subjects: Mapping[str, int | None] | None = None,
) -> None:
    """One row for each subject (→ the stored day it is about), or for the date alone; a repeated one is kept once."""
    named = {"": None} if subjects is None else subjects
    rows = (
        Announcement(session=session, kind=kind, date=date, subject=subject, version_id=version)
        for subject, version in named.items()
    )
    with transaction.atomic():
        Announcement.objects.bulk_create(rows, ignore_conflicts=True)
        session.record(kind, message, date=date.isoformat(), **data)
