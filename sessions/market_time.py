"""A moment as people write it, for every place that takes one: without a zone it is the exchange's time."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

from marketdata.exchange_calendar import place_of
from sessions.models import Session

FORMS = "9:30 or 10:30, 2025-07-03, 2025-07-03T10:30 (all exchange time) or 2025-07-03T14:30Z"


ONE_DIGIT_HOUR = re.compile(r"^(\d{4}-\d\d-\d\d[T ])(\d:)")


class BadMoment(ValueError):
    """A text that is no moment; the message says what one looks like."""


def market_time(text: str, session: Session) -> dt.datetime:
    """In UTC. A time alone is on the date of the session's clock; a date alone is where that day begins.

    Raises BadMoment, and NotATradingDay for a date alone that is none.
    """
    calendar, text = session.calendar, text.strip()
    for parse in (_date, _time, _moment):
        try:
            found = parse(text)
        except ValueError:
            continue
        if isinstance(found, dt.time):
            here = calendar.session_date_of(session.run.clock) if session.run.clock else session.first_date
            found = dt.datetime.combine(here, found, found.tzinfo)
        elif not isinstance(found, dt.datetime):
            return calendar.trading_day(found).begin
        try:
            return (found if found.tzinfo else found.replace(tzinfo=calendar.zone)).astimezone(dt.UTC)
        except OverflowError:
            break
    raise BadMoment(f"{text!r} is not a moment: write {FORMS}.")


def shown(moment: dt.datetime, session: Session, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """For people: 2025-07-03 10:30:00 New York."""
    return shown_in(session.calendar.zone, moment, form)


def shown_in(zone: ZoneInfo, moment: dt.datetime, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    try:
        return f"{moment.astimezone(zone):{form}} {place_of(zone.key)}"
    except OverflowError:  # at the ends of what a date can be
        return f"{moment.astimezone(dt.UTC):{form}} UTC"


def landing(session: Session, asked: dt.datetime) -> str:
    """What to say of a session that moves elsewhere than it was asked to; empty where it does not."""
    to = session.seek_to
    if to is None or to == asked:
        return ""
    form = "%Y-%m-%d %H:%M"
    return (
        f"{asked.astimezone(session.calendar.zone):{form}} is outside the hours that are played: "
        f"it goes on at the next open, {shown(to, session, form)}."
    )


def _date(text: str) -> dt.date:
    # A date of eight digits reads as a time too.
    if text.count("-") != 2 or len(text) != len("2025-07-03"):
        raise ValueError
    return dt.date.fromisoformat(text)


def _time(text: str) -> dt.time:
    if ":" not in text[:3]:
        raise ValueError
    return dt.time.fromisoformat(text if text[1] != ":" else f"0{text}")


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(ONE_DIGIT_HOUR.sub(r"\g<1>0\2", text))
