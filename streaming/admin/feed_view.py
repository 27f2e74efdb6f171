"""The pages' feed as server-sent events, for whoever may see sessions."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_GET

from sessions.models import ActiveStream
from streaming.db import in_thread
from streaming.pages.feed import Feed


@require_GET
async def session_feed(request: HttpRequest, pk: int) -> HttpResponseBase:
    allowed, symbols = await in_thread(_look)(request, pk)
    if not allowed:
        return HttpResponse("This needs the permission replay.view_session.", status=403, content_type="text/plain")
    if not symbols:
        return HttpResponse(f"There is no session {pk}.", status=404, content_type="text/plain")
    wanted = request.GET.get("symbol", "").upper()
    feed = Feed(pk, wanted if wanted in symbols else symbols[0], symbols, (await request.auser()).get_username())
    answer = StreamingHttpResponse(feed.lines(), content_type="text/event-stream")
    answer["Cache-Control"] = "no-store"
    answer["X-Accel-Buffering"] = "no"
    return answer


def _look(request: HttpRequest, pk: int) -> tuple[bool, list[str]]:
    """May this user look, and at which symbols?"""
    if not admin.site.has_permission(request) or not request.user.has_perm("replay.view_session"):
        return False, []
    streams = ActiveStream.objects.filter(session=pk).order_by("-active", "instrument__symbol")
    return True, list(dict.fromkeys(streams.values_list("instrument__symbol", flat=True)))
