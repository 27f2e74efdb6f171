"""The page's chart over a split: earlier prices as asked, by what has gone ex by the clock, also while it plays."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import User
from django.test import Client

from marketdata.actions.adjusting import Adjustment
from marketdata.models import Dataset
from sessions import control
from sessions.models import Session, State
from streaming.base.db import in_thread
from streaming.engine.playing.player import Player
from streaming.starts import service
from streaming.starts.request import StartRequest
from tests.streaming.aapl_split import ACTIONS, BEFORE, EX, import_actions, import_days
from tests.streaming.playing import wait_until
from tests.streaming.rows import a_day
from web.pages import chart
from web.pages.live_feed import Feed

pytestmark = pytest.mark.django_db(transaction=True)
CLOSE = 4


@pytest.fixture
def days(transactional_db: None, sample: Path) -> None:
    import_days(sample)


def started(**options: Any) -> Session:
    return service.start(StartRequest(("AAPL",), BEFORE, EX, dataset="lean", speed=0.0, **options)).session


def played() -> Session:
    return wait_until(started(), lambda session: session.state == State.COMPLETED)


@pytest.mark.usefixtures("days")
@pytest.mark.parametrize("adjustment", Adjustment.values)
def test_earlier_days_are_adjusted_as_asked(player: Player, tmp_path: Path, adjustment: str) -> None:
    import_actions(tmp_path)
    session = played()
    admin = Client()
    admin.force_login(User.objects.create_superuser("root"))
    address = f"/admin/replay/session/{session.pk}/earlier/"
    shown = admin.get(address, {"symbol": "AAPL", "before": str(EX), "adjustment": adjustment}).json()
    adjusted = shown["bars"][-1][CLOSE] < 100
    assert adjusted == (adjustment in ("split", "all")) and shown["problem"] == ""


@pytest.mark.usefixtures("days")
def test_what_cannot_be_adjusted_is_said_and_shown_for_splits(player: Player, tmp_path: Path) -> None:
    a_day("AAPL", dt.date(2014, 5, 15), Dataset.objects.get(name="lean"))
    import_actions(tmp_path, f"{ACTIONS}AAPL,2014-06-05,dividend,0.5\n")
    session = played()
    shown = chart.days_so_far(session.pk, "AAPL", "2014-06-09T20:00:00Z", "all")
    assert "has no close of the week before it" in shown.problem
    assert shown.bars[400][CLOSE] < 100


async def tapes(feed: Feed, session: Session) -> list[dict[str, Any]]:
    """Its messages: a paused session's, and those of the rest once it goes on."""
    found: list[dict[str, Any]] = []
    lines = feed.lines()
    async with asyncio.timeout(60):
        async for line in lines:
            kind, _, body = line.decode().partition("\ndata: ")
            if kind != "event: tape":
                continue
            found.append(orjson.loads(body))
            if len(found) == 1:
                await in_thread(control.resume)(session.pk)
            elif found[-1]["clock"] == "2014-06-09T20:00:00Z":
                break
    await lines.aclose()  # type: ignore[attr-defined]
    return found


@pytest.mark.usefixtures("days")
async def test_the_chart_is_drawn_anew_when_a_split_goes_ex(player: Player, tmp_path: Path) -> None:
    await in_thread(import_actions)(tmp_path)
    session = await in_thread(started)(paused=True)
    await in_thread(wait_until)(session, lambda one: one.state == State.PAUSED)
    found = await tapes(Feed(session.pk, "AAPL", ["AAPL"]), session)
    anew = [tape for tape in found if tape["whole"]]
    assert "good_until" not in str(found)
    closes = [bar[CLOSE] for bar in anew[-1]["bars"]]
    assert len(anew) >= 2 and max(closes) < 100
    before = [bar[CLOSE] for tape in found[: found.index(anew[-1])] for bar in tape["bars"]]
    assert all(close > 600 for close in before)
