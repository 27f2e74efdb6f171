"""The landing page: what plays now, who plays it, and what is missing, in plain words."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from typing import Any

import redis
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from sessions import redis_client
from sessions.models import ENDED, ServiceHeartbeat, Session
from streaming.base.json_values import as_json
from streaming.status import find_problems, is_alive, postgres_status, redis_status
from web.admin.page import speeds
from web.holders import LOOK_AHEAD
from web.pages import cards, quotes

MOST_CARDS = 24
RECENTLY_ENDED = 5


def index(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """unfold's DASHBOARD_CALLBACK."""
    if not request.user.has_perm("replay.view_session"):
        return context
    return context | system() | grid(request) | ended() | {"title": "Now playing"}


def require_viewer(request: HttpRequest) -> None:
    if not request.user.has_perm("replay.view_session"):
        raise PermissionDenied


def live(request: HttpRequest) -> HttpResponse:
    """The cards' data, once a second for every open landing page."""
    require_viewer(request)
    now = timezone.now()
    reported = [cards.card(session, now) for session in _live(request)]
    return HttpResponse(json.dumps({"cards": reported}, default=as_json), content_type="application/json")


def cards_fragment(request: HttpRequest) -> HttpResponse:
    require_viewer(request)
    return TemplateResponse(request, "web/cards.html", grid(request))


def system_fragment(request: HttpRequest) -> HttpResponse:
    require_viewer(request)
    return TemplateResponse(request, "web/system.html", system() | {"polled": True})


def ended_fragment(request: HttpRequest) -> HttpResponse:
    require_viewer(request)
    return TemplateResponse(request, "web/ended.html", ended())


def _live(request: HttpRequest) -> list[Session]:
    rows = cards.sessions_to_show(Session.objects.live().order_by("-pk"), ahead=request.user.has_perm(LOOK_AHEAD))
    return list(rows[:MOST_CARDS])


def grid(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    shown = _live(request)
    more = Session.objects.live().count() - len(shown) if len(shown) == MOST_CARDS else 0
    lines = quotes.of_cards(shown)
    rendered = [
        cards.card_to_render(session, now) | {"speeds": speeds(session.speed), "lines": lines[session.pk]}
        for session in shown
    ]
    return {
        "cards": rendered,
        "more": more,
        "may_control": request.user.has_perm("replay.change_session"),
        "may_start": request.user.has_perm("replay.add_session"),
    }


def ended() -> dict[str, Any]:
    rows = cards.sessions_to_show(Session.objects.filter(state__in=ENDED).order_by("-pk"))[:RECENTLY_ENDED]
    now = timezone.now()
    return {"ended": [cards.card(session, now) | {"title": cards.title(session)} for session in rows]}


def system() -> dict[str, Any]:
    """Services, workers, upkeep, storage and what is wrong with them."""
    now = timezone.now()
    services = [postgres_status(), redis_status()]
    rows = list(ServiceHeartbeat.objects.all()) if services[0]["ok"] else []
    workers = [
        {"row": row, "kind": row.kind, "alive": is_alive(row, now), "age": age(row, now), "detail": row.detail}
        for row in rows
    ]
    beat = next((one for one in workers if one["kind"] == "beat"), None)
    replay = [one for one in workers if one["kind"] == "replay" and one["alive"]]
    alive = [row for row in rows if row.kind == "replay" and is_alive(row, now)]
    return {
        "problems": list(find_problems(services, [one for one in workers if one["kind"] != "beat"], beat)),
        "services": services,
        "replay": replay,
        "gone": [one for one in workers if one["kind"] == "replay" and not one["alive"]],
        "in_use": sum(row.in_use for row in alive),
        "capacity": sum(row.capacity for row in alive),
        "upkeep": next((one for one in workers if one["kind"] == "upkeep"), None),
        "beat": beat,
        "storage": storage(),
    }


def age(row: ServiceHeartbeat, now: dt.datetime) -> str:
    seconds = max(0, round((now - row.seen_at).total_seconds()))
    if seconds < 120:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 7200 else f"{seconds // 3600} h ago"


SIZES = """
SELECT pg_database_size(current_database()),
       pg_total_relation_size('marketdata_dayversion') + pg_total_relation_size('marketdata_daychunk'),
       (SELECT greatest(c.reltuples, s.n_live_tup)::bigint FROM pg_class c
          JOIN pg_stat_user_tables s ON s.relid = c.oid WHERE c.oid = 'marketdata_dayversion'::regclass)
"""


def storage() -> dict[str, str]:
    """Sizes that cost nothing to know; days are Postgres's own estimate, never counted."""
    payload = {"disk": f"{_bytes(shutil.disk_usage(settings.VAR_DIR).free)} free"} if settings.VAR_DIR.exists() else {}
    try:
        with connection.cursor() as cursor:
            cursor.execute(SIZES)
            database, days, count = cursor.fetchone()
        payload |= {"database": _bytes(database), "days": f"about {count:,} days in {_bytes(days)}"}
    except (DatabaseError, InterfaceError):
        pass
    try:
        info: dict[str, Any] = redis_client.connection().info("memory")
        payload["redis"] = _bytes(int(info["used_memory"]))
    except redis.RedisError:
        pass
    return payload


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
