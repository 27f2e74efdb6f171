"""A session as the pages show it: one dict, made of few queries, that the server renders and the browser patches."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

from django.contrib.postgres.aggregates import BoolOr
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import JSONObject

from marketdata import calendar
from marketdata.calendar import TradingDay
from sessions.models import ActiveStream, Session, SessionEvent, State, StreamType
from streaming.engine import lease
from streaming.engine.frames import milliseconds

SHOWN_SYMBOLS = 6
SHOWN_EVENTS = 3
PLAYED = (State.STARTING, State.RUNNING, State.PAUSED)


def sessions_to_show(rows: QuerySet[Session]) -> QuerySet[Session]:
    """With all that a card needs; its cost is bounded by the sessions shown, not by their streams or events."""
    events = SessionEvent.objects.filter(session=OuterRef("pk"))
    told = JSONObject(at=F("at"), level=F("level"), message=F("message"))
    symbols = ActiveStream.objects.filter(session=OuterRef("pk")).values("instrument__symbol")
    active_first = symbols.annotate(plays=BoolOr("active")).order_by("-plays", "instrument__symbol")
    active = Q(streams__active=True)
    return rows.select_related("dataset").annotate(
        active_count=Count("streams", filter=active),
        stream_count=Count("streams"),
        active_symbols=Count("streams__instrument", filter=active, distinct=True),
        symbol_count=Count("streams__instrument", distinct=True),
        bars=Sum("streams__present", filter=Q(streams__stream_type=StreamType.BARS), default=0),
        rated=Sum("streams__expected", filter=~Q(streams__quality=None), default=0),
        good=Sum(F("streams__expected") * F("streams__quality"), default=0.0),
        some_symbols=ArraySubquery(active_first.values("instrument__symbol")[: SHOWN_SYMBOLS + 1]),
        newest_events=ArraySubquery(events.order_by("-pk").values(told=told)[:SHOWN_EVENTS]),
    )


def card(session: Any, now: dt.datetime) -> dict[str, Any]:
    """`session` comes from `sessions_to_show`. Texts are under `shown`; the browser writes them where they belong."""
    days = window(session.start_date, session.end_date)
    return {
        "id": session.pk,
        "state": session.state,
        "live": session.is_live,
        "paused": session.paused,
        "speed": session.speed,
        "clock": milliseconds(session.clock) if session.clock else None,
        "position": minutes_played(days, session.clock),
        "total": sum(day.minutes for day in days),
        "day": _day_part(session.clock),
        "synthetic": session.dataset.synthetic,
        "generation": session.generation,
        "note": note(session, now),
        "shown": _texts(session),
        "events": session.newest_events,
    }


def card_to_render(session: Any, now: dt.datetime) -> dict[str, Any]:
    """The card with what never changes, which the browser is told once."""
    return card(session, now) | {"days": window_days(session), "title": title(session)}


def title(session: Session) -> str:
    return f"{session.name} (session {session.pk})" if session.name else f"Session {session.pk}"


def _texts(session: Any) -> dict[str, str]:
    quality = session.good / session.rated if session.rated else None
    return {
        "state": session.get_state_display().lower(),
        "clock": clock_text(session.clock),
        "date": date_text(session.clock, session.start_date),
        "speed": speed_text(session.speed),
        **_pace_texts(session),
        "symbols": _some(session.some_symbols, session.active_symbols or session.symbol_count),
        "streams": f"{session.active_count} of {session.stream_count} active",
        "bars": f"{session.bars:,}",
        "quality": "n/a" if quality is None else f"{quality:.1%}",
        "held": f"{', '.join(map(str, session.days_held)) or 'none'} ({session.bars_held:,} bars)",
        "worker": session.worker or "none",
        "frame": f"{session.generation}.{session.frame_id}" if session.frame_id else "none yet",
        "frames": f"{session.frame_count:,}",
        "hash": session.chain or "none yet",
    }


def _pace_texts(session: Session) -> dict[str, str]:
    """As measured where it is played; empty while market time stands."""
    moves = session.state == State.RUNNING
    real, error = session.real_speed, session.clock_error
    return {
        "real": f"really {real:,.3g}×" if moves and real is not None else "",
        "late": f"{error:.0f} ms (99th percentile)" if moves and error is not None else "n/a",
        "waits": (session.bottleneck if moves else "") or "nothing",
    }


def note(session: Session, now: dt.datetime) -> str:
    """Why it does not move although it could; empty where all is well."""
    if session.state == State.CREATED:
        return "Queued: the upkeep worker fetches its first day, then a replay worker takes it."
    if session.seek_to:
        return f"Moving to {date_text(session.seek_to, session.start_date)} {clock_text(session.seek_to)}."
    if session.state in PLAYED:
        renewed = session.lease_renewed_at
        if renewed is None:
            return "No worker plays it: the next replay worker with a free slot takes it up where it is."
        if now - renewed > lease.ttl():
            silent = round((now - renewed).total_seconds())
            return f"Its worker has been silent for {silent} s: another replay worker takes it up where it is."
    return session.reason


@lru_cache(maxsize=512)
def window(first: dt.date, last: dt.date) -> tuple[TradingDay, ...]:
    return tuple(calendar.trading_days(first, last))


def minutes_played(days: tuple[TradingDay, ...], clock: dt.datetime | None) -> int:
    """Session minutes of the window that are over at the clock."""
    if clock is None:
        return 0
    spans = ((min(clock, day.close) - day.open).total_seconds() // 60 for day in days if day.open < clock)
    return int(sum(spans))


def window_days(session: Session) -> list[dict[str, Any]]:
    """The seek bar's days: date, open in milliseconds, minutes."""
    days = window(session.start_date, session.end_date)
    return [{"date": str(day.date), "open": milliseconds(day.open), "minutes": day.minutes} for day in days]


def clock_text(clock: dt.datetime | None) -> str:
    return f"{calendar.exchange_time(clock):%H:%M:%S}" if clock else "--:--:--"


def date_text(clock: dt.datetime | None, start: dt.date) -> str:
    return f"{calendar.session_date_of(clock) if clock else start:%a %d %b %Y}"


def speed_text(speed: float) -> str:
    return "as fast as possible" if speed == 0 else f"{speed:,g}×"


def _day_part(clock: dt.datetime | None) -> float:
    """How much of the clock's trading day is over, 0 to 1."""
    if clock is None:
        return 0.0
    day = calendar.trading_day(calendar.session_date_of(clock))
    return round((clock - day.open) / (day.close - day.open), 4)


def _some(symbols: list[str], count: int) -> str:
    shown = ", ".join(symbols[:SHOWN_SYMBOLS])
    more = count - SHOWN_SYMBOLS
    return f"{shown} and {more} more" if more > 0 else shown


def day_progress(clock: dt.datetime | None) -> str:
    """The trading day that the clock is in, how much of it is over, and the time in New York."""
    return f"{calendar.session_date_of(clock)} {_day_part(clock):.0%}, {clock_text(clock)}" if clock else ""
