"""What a person reads off a live page, and how to wait until it is there."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

from playwright.sync_api import Page

from sessions import control
from sessions.models import Session, State
from streaming.starts import service
from streaming.starts.request import StartRequest

NEW_YORK = ZoneInfo("America/New_York")
DAY = dt.date(2025, 7, 2)


def a_live_session(*, speed: float = 60, until: dt.date | None = None) -> Session:
    """AAPL and MSFT from 2 July 2025 on, played by the worker."""
    request = StartRequest(("AAPL", "MSFT"), date=DAY, until=until, speed=speed, dataset="exthours_2025")
    return service.start(request).session


def a_sample_session(*, speed: float = 60, paused_at: str = "") -> Session:
    """AAPL and MSFT of 29 April 2016, with the days before in the store; paused at a time of New York's, if asked."""
    date = dt.date(2016, 4, 29)
    request = StartRequest(("AAPL", "MSFT"), date=date, speed=speed, dataset="google_2016", paused=bool(paused_at))
    session = service.start(request).session
    if paused_at:
        until_paused(session)
        control.seek(session.pk, dt.datetime.combine(date, dt.time.fromisoformat(paused_at), NEW_YORK))
        wanted = dt.datetime.combine(date, dt.time.fromisoformat(paused_at), NEW_YORK)
        until(lambda: Session.objects.with_run().get(pk=session.pk).run.clock == wanted, "the clock that was asked for")
    return session


def until_paused(session: Session) -> None:
    until(lambda: Session.objects.filter(pk=session.pk, state=State.PAUSED).exists(), "a session that stands")


def address_of(session: Session) -> str:
    return f"/admin/replay/session/{session.pk}/change/"


def clock_on(page: Page) -> str:
    return page.locator("[data-shown=clock]").first.inner_text()


def legend_on(page: Page) -> str:
    """The newest bar in words, e.g. "Wed, Jul 2 09:30 O 208.86 …"."""
    return " ".join(page.locator("#legend").inner_text().split())


def minutes_on(page: Page, symbol: str = "AAPL") -> str:
    """The heat map's row in words, e.g. "AAPL, 12 of 390 minutes: 12 traded"."""
    return page.locator(f"canvas[data-symbol={symbol}]").get_attribute("aria-label") or ""


def until(there: Callable[[], bool], what: str, page: Page | None = None, seconds: float = 60) -> None:
    """Wait for something that must come; the page goes on meanwhile."""
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        if page:
            page.wait_for_timeout(50)
        else:
            time.sleep(0.05)


def until_row(session: Session, what: str, page: Page, **wanted: object) -> None:
    until(lambda: Session.objects.filter(pk=session.pk, **wanted).exists(), what, page)
