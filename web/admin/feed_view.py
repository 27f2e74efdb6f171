"""The pages' feed as server-sent events, for whoever may see sessions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET

from broker.models import Account
from marketdata.actions.adjusting import Adjustment
from marketdata.store import spelled_as
from sessions.models import Session
from streaming.base.db import in_thread
from web.holders import LOOK_AHEAD, VIEW_ACCOUNT, VIEW_SESSION, Holder, holder_of
from web.pages import chart
from web.pages.account_feed import AccountFeed
from web.pages.live_feed import Feed
from web.streams.rights import Watched


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks, and at what."""

    holder: Holder
    symbols: list[str]
    account_id: int | None
    sees_accounts: bool
    looks_ahead: bool


@require_GET
async def session_feed(request: HttpRequest, pk: int) -> HttpResponseBase:
    looker = await in_thread(_look)(request, pk)
    if isinstance(looker, HttpResponse):
        return looker
    account = AccountFeed(pk, looker.account_id) if looker.account_id else None
    name = (await request.auser()).get_username()
    shows = {"shows_accounts": looker.sees_accounts, "ahead": looker.looks_ahead}
    feed = Feed(pk, _asked(request, looker.symbols), looker.symbols, name, _adjustment(request), account, **shows)
    answer = StreamingHttpResponse(_while_entitled(feed, looker), content_type="text/event-stream")
    answer["Cache-Control"] = "no-store"
    answer["X-Accel-Buffering"] = "no"
    return answer


def earlier(request: HttpRequest, pk: int) -> HttpResponse:
    """A few days before `before`, for who scrolls a chart to the left."""
    if not request.user.has_perm(VIEW_SESSION):
        return _refused()
    session = Session.objects.with_run().select_related("dataset").filter(pk=pk).first()
    date = parse_date(request.GET.get("before", ""))
    if session is None or date is None:
        return JsonResponse({"detail": "There is no such session, or `before` is no date."}, status=404)
    symbol = _asked(request, session.symbols())
    return JsonResponse(chart.days_before(session, symbol, date, _adjustment(request)).payload())


async def _while_entitled(feed: Feed, looker: Looker) -> AsyncIterator[bytes]:
    """It ends with the right to see the session, or the accounts and later days where these are shown."""
    async with Watched(looker.holder) as ended, aclosing(feed.lines()) as lines:  # type: ignore[type-var]
        async for line in lines:
            yield line
            if ended.is_set():
                return


def _look(request: HttpRequest, pk: int) -> Looker | HttpResponse:
    if not admin.site.has_permission(request) or not request.user.has_perm(VIEW_SESSION):
        return _refused()
    session = Session.objects.filter(pk=pk).first()
    symbols = session.symbols() if session else []
    if not symbols:
        return HttpResponse(f"There is no session {pk}.", status=404, content_type="text/plain")
    sees = request.user.has_perm(VIEW_ACCOUNT)
    accounts = Account.objects.filter(session=pk, name=request.GET.get("account", "")) if sees else None
    account = accounts.values_list("pk", flat=True).first() if accounts is not None else None
    ahead = request.user.has_perm(LOOK_AHEAD)
    permissions = tuple(right for right, held in ((VIEW_ACCOUNT, sees), (LOOK_AHEAD, ahead)) if held)
    holder = holder_of(request, request.user, permissions=(VIEW_SESSION, *permissions))
    return Looker(holder, symbols, account, sees, ahead)


def _asked(request: HttpRequest, symbols: list[str]) -> str:
    asked = spelled_as([request.GET.get("symbol", "")], symbols)
    return asked[0] if asked and asked[0] in symbols else symbols[0]


def _adjustment(request: HttpRequest) -> str:
    asked = request.GET.get("adjustment", "")
    return asked if asked in Adjustment.values else Adjustment.SPLIT


def _refused() -> HttpResponse:
    return HttpResponse("This needs the permission replay.view_session.", status=403, content_type="text/plain")
