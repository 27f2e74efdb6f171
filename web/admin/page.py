"""What the live page of a session shows when it is first painted, and its tables ever after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import redis
from django.contrib.auth.models import AnonymousUser, User
from django.http import Http404
from django.utils import timezone

from marketdata.actions.adjusting import Adjustment
from marketdata.chart_library import INTEGRITY
from marketdata.exchange_calendar import place_of
from marketdata.ledger import words_of
from marketdata.row_ids import row_id
from sessions.models import ActiveStream, JournalEntry, Session, StreamType
from streaming.as_of.session_events import events_as_of
from streaming.base.stream_types import words
from streaming.reading import registry as readers
from web.holders import LOOK_AHEAD, OPEN_ACCOUNT, TRADE_ACCOUNT, VIEW_ACCOUNT
from web.pages import account_panel, cards
from web.pages.heat_panel import heat_of

SHOWN_STREAMS = 100
SHOWN_READERS = 20
SHOWN_EVENTS = 25
SHOWN_ENTRIES = 12
SHOWN_VERIFICATIONS = 5
ADJUSTMENTS = (
    (Adjustment.RAW.value, "As traded"),
    (Adjustment.SPLIT.value, "Split-adjusted"),
    (Adjustment.DIVIDEND.value, "Dividend-adjusted"),
    (Adjustment.ALL.value, "Fully adjusted"),
)
"""How the chart shows earlier prices."""
TIMES_IN_FORCE = (
    ("day", "Day"),
    ("gtc", "Until canceled"),
    ("ioc", "Immediate or cancel"),
    ("fok", "Fill or kill"),
    ("opg", "At the open"),
    ("cls", "At the close"),
)
SPEEDS = (0.5, 1, 2, 10, 30, 60, 120, 360, 600, 1000, 3600, 0)


def find(number: str, user: User | AnonymousUser) -> Session:
    rows = cards.sessions_to_show(Session.objects.all(), ahead=user.has_perm(LOOK_AHEAD))
    session = rows.filter(pk=row_id(number)).first()
    if session is None:
        raise Http404(f"There is no session {number}.")
    return session


def context(session: Session) -> dict[str, Any]:
    rows = heat_of(session).rows(session.run.clock) if session.run.clock else None
    reported = panels(session)
    symbols = session.symbols()
    return reported | {
        "card": cards.card_to_render(session, timezone.now()),
        "heat": rows,
        "words": words_of(has_break=session.calendar.has_breaks),
        "chart_integrity": INTEGRITY,
        "symbols": symbols,
        "adjustments": ADJUSTMENTS,
        "intervals": [session.interval, *session.derive],
        "speeds": speeds(session.speed),
        "again": urlencode(recipe(session)),
    }


def account_context(session: Session, user: User | AnonymousUser) -> dict[str, Any]:
    """The session's accounts, and what of them this user may do; nothing for who may not see them."""
    if not user.has_perm(VIEW_ACCOUNT):
        return {"sees_accounts": False}
    return {
        "sees_accounts": True,
        "accounts": account_panel.names(session),
        "may_trade": user.has_perm(TRADE_ACCOUNT) and session.is_live,
        "may_open": user.has_perm(OPEN_ACCOUNT) and session.is_live,
        "times_in_force": TIMES_IN_FORCE,
    }


def panels(session: Any) -> dict[str, Any]:
    """Streams, events and journal: the newest of each, with links to all of them. `session` is what `find` gives."""
    streams = session.streams.select_related("instrument").order_by("-active", "instrument__symbol", "stream_type")
    return _readers(session) | {
        "session": session,
        "zone": place_of(session.calendar.zone.key),
        "streams": [_stream(stream) for stream in streams[:SHOWN_STREAMS]],
        "log": list((session.events.all() if session.looks_ahead else events_as_of(session))[:SHOWN_EVENTS]),
        "entries": _entries(session),
        "verifications": list(session.verifications.all()[:SHOWN_VERIFICATIONS]),
    }


def speeds(current: float) -> list[tuple[float, str]]:
    """The speeds to choose from, the session's own among them; 0, as fast as possible, comes last."""
    wanted = [*sorted({*SPEEDS, current} - {0}), 0]
    return [(speed, cards.speed_text(speed)) for speed in wanted]


def recipe(session: Session) -> dict[str, Any]:
    """The start form's fields, for another session like this one."""
    symbols = session.streams.order_by("instrument__symbol").values_list("instrument__symbol", flat=True)
    return {
        "symbols": " ".join(dict.fromkeys(symbols)),
        "dataset": session.dataset_id,
        "date": session.start_date,
        "until": session.end_date,
        "speed": session.speed,
        "derive": ", ".join(session.derive),
        "types": ",".join(session.types),
        "hours": session.hours,
        "name": session.name,
    } | ({"as_known": "on"} if session.as_known else {})


def _readers(session: Session) -> dict[str, Any]:
    """Who reads, the slowest first; None where Redis, which alone knows, is away."""
    try:
        found = readers.of_session(session)
    except redis.RedisError:
        return {"readers": None}
    return {"readers": found[:SHOWN_READERS], "more_readers": max(0, len(found) - SHOWN_READERS)}


def _stream(stream: ActiveStream) -> dict[str, Any]:
    """Minutes are expected, trades and quotes are not: they come or do not."""
    symbol, kind = stream.instrument.symbol, stream.stream_type
    bars = kind == StreamType.BARS
    return {
        "symbol": symbol,
        "type": words(kind).many,
        "key": symbol if bars else f"{symbol} {kind}",
        "active": stream.active,
        "last": "–" if stream.last_price is None else f"{stream.last_price:,.10g}",
        "seen": f"{stream.present:,} of {stream.expected:,}" if bars else f"{stream.present:,}",
        "quality": "n/a" if stream.quality is None else f"{stream.quality:.1%}",
    }


def _entries(session: Session) -> list[dict[str, Any]]:
    """The newest of the journal, each in a line; of 500 symbols their number."""
    entries = list(session.journal.order_by("-number")[:SHOWN_ENTRIES])
    pins = _pinned(session, {entry.payload["date"] for entry in entries if entry.payload.get("date")})
    return [_entry(entry, pins, session.calendar.zone) for entry in entries]


def _pinned(session: Session, dates: set[str]) -> dict[tuple[str, int], list[str]]:
    """Date and admission → symbols."""
    rows = session.pins.filter(date__in=dates).order_by("instrument__symbol")
    found: dict[tuple[str, int], dict[str, None]] = {}
    for date, admission, symbol in rows.values_list("date", "admission", "instrument__symbol"):
        found.setdefault((date.isoformat(), admission), {})[symbol] = None
    return {key: list(symbols) for key, symbols in found.items()}


def _entry(entry: JournalEntry, pins: Mapping[tuple[str, int], list[str]], zone: ZoneInfo) -> dict[str, Any]:
    payload = entry.payload
    admission = entry.number if entry.kind == JournalEntry.Kind.ADMIT else 0
    shown = [str(payload[name]) for name in ("date", "to") if payload.get(name)]
    named = payload.get("symbols") or pins.get((payload.get("date", ""), admission), [])
    if named:
        shown.append(", ".join(named[:6]) + (f" and {len(named) - 6} more" if len(named) > 6 else ""))
    clock = entry.clock and f"{entry.clock.astimezone(zone):%Y-%m-%d %H:%M}"
    return {"number": entry.number, "clock": clock, "kind": entry.kind, "details": " · ".join(shown)}
