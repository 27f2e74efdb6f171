"""A session as the pages show it: one dict, made of few queries, that the server renders and the browser patches."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import JSONObject

from marketdata.exchange_calendar import ExchangeCalendar, place_of
from marketdata.hours import DayPart, part_of_clock
from marketdata.plurals import counted
from marketdata.trading_day import MINUTE, TradingDay
from sessions.market_time import shown
from sessions.models import ActiveStream, Session, SessionEvent, State, StreamType
from streaming.as_of.session_events import held_as_of, of_no_days_data
from streaming.engine.frames.frame_id import milliseconds
from streaming.engine.records import lease

SHOWN_SYMBOLS = 6
SHOWN_EVENTS = 1
PLAYED = (State.STARTING, State.RUNNING, State.PAUSED)


def sessions_to_show(rows: QuerySet[Session], *, ahead: bool = False) -> QuerySet[Session]:
    """With all that a card needs; its cost is bounded by the sessions shown, not by their streams or events.

    `ahead`: for somebody who may know what the store has of later days.
    """
    events = SessionEvent.objects.filter(session=OuterRef("pk"))
    events = events if ahead else of_no_days_data(events)
    reported = JSONObject(at=F("at"), level=F("level"), message=F("message"))
    symbols = ActiveStream.objects.filter(session=OuterRef("pk"), requested=True).values("instrument__symbol")
    priced = symbols.annotate(price=Max("last_price", filter=Q(stream_type=StreamType.BARS)))
    quote = JSONObject(symbol=F("instrument__symbol"), price=F("price"))
    active, requested = Q(streams__active=True), Q(streams__requested=True)
    return rows.select_related("dataset", "run").annotate(
        looks_ahead=Value(ahead),
        active_count=Count("streams", filter=active),
        stream_count=Count("streams"),
        symbol_count=Count("streams__instrument", filter=requested, distinct=True),
        bars=Sum("streams__present", filter=Q(streams__stream_type=StreamType.BARS), default=0),
        rated=Sum("streams__expected", filter=~Q(streams__quality=None), default=0),
        good=Sum(F("streams__expected") * F("streams__quality"), default=0.0),
        quotes=ArraySubquery(priced.order_by("instrument__symbol").values(quote=quote)[:SHOWN_SYMBOLS]),
        newest_events=ArraySubquery(events.order_by("-pk").values(reported=reported)[:SHOWN_EVENTS]),
    )


def card(session: Any, now: dt.datetime) -> dict[str, Any]:
    """`session` comes from `sessions_to_show`. Texts are under `shown`; the browser writes them where they belong."""
    days = window(session.calendar, session.start_date, session.end_date)
    return {
        "id": session.pk,
        "state": session.state,
        "live": session.is_live,
        "paused": session.paused,
        "speed": session.speed,
        "clock": milliseconds(session.run.clock) if session.run.clock else None,
        "position": minutes_played(days, session.run.clock),
        "total": sum(map(played_minutes, days)),
        "day": _day_part(session),
        "synthetic": session.dataset.synthetic,
        "generation": session.run.generation,
        "note": note(session, now),
        "shown": _texts(session),
        "place": place_of(session.calendar.zone.key),
        "quotes": session.quotes,
        "events": session.newest_events,
    }


def card_to_render(session: Any, now: dt.datetime) -> dict[str, Any]:
    """The card with what never changes, which the browser gets once."""
    return card(session, now) | {
        "days": window_days(session),
        "title": title(session),
        "zone": session.calendar.zone.key,
        "more_symbols": max(0, session.symbol_count - SHOWN_SYMBOLS),
    }


def title(session: Session) -> str:
    return f"{session.name} (session {session.pk})" if session.name else f"Session {session.pk}"


def _texts(session: Any) -> dict[str, str]:
    quality = session.good / session.rated if session.rated else None
    return {
        "state": session.get_state_display().lower(),
        "clock": clock_text(session, session.run.clock),
        "date": date_text(session, session.run.clock) + part_text(session),
        "speed": speed_text(session.speed),
        **_pace_texts(session),
        "symbols": _some([quote["symbol"] for quote in session.quotes], session.symbol_count),
        "streams": f"{session.active_count} of {session.stream_count} active",
        "bars": f"{session.bars:,}",
        "quality": "n/a" if quality is None else f"{quality:.1%}",
        "held": _held_text(session),
        "worker": session.run.worker or "none",
        "frame": f"{session.run.generation}.{session.run.frame_id}" if session.run.frame_id else "none yet",
        "frames": f"{session.run.frame_count:,}",
        "hash": session.run.chain or "none yet",
    }


def _held_text(session: Any) -> str:
    if session.looks_ahead:
        days = ", ".join(map(str, session.run.days_held))
        return f"{days} ({counted(session.run.bars_held, 'bar')})" if days else "none"
    return ", ".join(map(str, held_as_of(session)["days_held"])) or "none"


def _pace_texts(session: Session) -> dict[str, str]:
    """The pace as measured where it is played; empty while market time stands."""
    moves = session.state == State.RUNNING
    real, error = session.run.real_speed, session.run.clock_error
    return {
        "real": f"{real:,.3g}× real" if moves and real is not None else "",
        "late": f"{error:.0f} ms (99th percentile)" if moves and error is not None else "n/a",
        "waits": (session.run.bottleneck if moves else "") or "nothing",
    }


def note(session: Session, now: dt.datetime) -> str:
    """Why it does not move although it could; empty where all is well."""
    if session.state == State.CREATED:
        return "Queued: the upkeep worker fetches its first day, then a replay worker takes it."
    if session.seek_to:
        return f"Moving to {date_text(session, session.seek_to)} {clock_text(session, session.seek_to)}."
    if session.state in PLAYED:
        renewed = session.run.lease_renewed_at
        if renewed is None:
            return "No worker plays it: the next replay worker with a free slot takes it up where it is."
        if now - renewed > lease.ttl():
            silent = round((now - renewed).total_seconds())
            return f"Its worker has been silent for {silent} s: another replay worker takes it up where it is."
    return session.reason


@lru_cache(maxsize=512)
def window(days: ExchangeCalendar, first: dt.date, last: dt.date) -> tuple[TradingDay, ...]:
    return tuple(days.trading_days(first, last))


def played_minutes(day: TradingDay) -> int:
    """The minutes of a day, extended hours among them where they are played."""
    return day.minutes_before + day.minutes + day.minutes_after


def minutes_played(days: tuple[TradingDay, ...], clock: dt.datetime | None) -> int:
    """Minutes of the window that are over at the clock."""
    if clock is None:
        return 0
    spans = ((min(clock, day.end) - day.begin) // MINUTE for day in days if day.begin < clock)
    return int(sum(spans))


def window_days(session: Session) -> list[dict[str, Any]]:
    """The seek bar's days: date, where it begins in milliseconds, minutes; and its parts, which no candle spans."""
    days = window(session.calendar, session.start_date, session.end_date)
    return [
        {
            "date": str(day.date),
            "open": milliseconds(day.begin),
            "minutes": played_minutes(day),
            "parts": [
                {"open": milliseconds(start), "minutes": minutes}
                for start, minutes in (
                    (day.begin, day.minutes_before),
                    (day.open, day.minutes),
                    (day.close, day.minutes_after),
                )
                if minutes
            ],
        }
        for day in days
    ]


PART_TEXTS = {DayPart.PRE: ", before the open", DayPart.POST: ", after the close", DayPart.REGULAR: ""}


def part_text(session: Session) -> str:
    """Where the clock is outside the regular session, in words."""
    clock = session.run.clock
    if clock is None:
        return ""
    return PART_TEXTS[part_of_clock(session.calendar.trading_day(session.calendar.session_date_of(clock)), clock)]


def clock_text(session: Session, clock: dt.datetime | None) -> str:
    """In the exchange's time."""
    return f"{clock.astimezone(session.calendar.zone):%H:%M:%S}" if clock else "--:--:--"


def date_text(session: Session, clock: dt.datetime | None) -> str:
    return f"{clock.astimezone(session.calendar.zone) if clock else session.start_date:%a %d %b %Y}"


def speed_text(speed: float) -> str:
    return "as fast as possible" if speed == 0 else f"{speed:,g}×"


def _day_part(session: Session) -> float:
    """How much of the clock's trading day is over, 0 to 1."""
    clock = session.run.clock
    if clock is None:
        return 0.0
    day = session.calendar.trading_day(session.calendar.session_date_of(clock))
    return round((clock - day.begin) / (day.end - day.begin), 4)


def _some(symbols: list[str], count: int) -> str:
    shown = ", ".join(symbols[:SHOWN_SYMBOLS])
    more = count - SHOWN_SYMBOLS
    return f"{shown} and {more} more" if more > 0 else shown


def day_progress(session: Session) -> str:
    """The clock in the exchange's time, and how much of its trading day is over."""
    clock = session.run.clock
    return f"{shown(clock, session, '%Y-%m-%d %H:%M')}, {_day_part(session):.0%} of the day" if clock else ""
