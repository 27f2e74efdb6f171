"""The pages' feed: everything up to the visible clock, nothing later, and never more than ten messages a second."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import numpy as np
import orjson
import pytest
from django.contrib.auth.models import User
from django.test import Client

from marketdata import calendar
from marketdata.models import BarDay
from marketdata.ticks.columns import CODES, TickColumns, TickKind
from sessions.models import Session, State
from sessions.wakeup import connection as redis_connection
from streaming.db import in_thread
from streaming.engine.frames import BarBlock, Frame, FrameId
from streaming.engine.tick_blocks import TickBlock
from streaming.pages import cards
from streaming.pages.feed import Feed, Unsent
from streaming.pages.heat import heat_of
from tests.streaming.rows import DAY, a_session

pytestmark = pytest.mark.django_db(transaction=True)
OPEN = calendar.trading_day(DAY).open


@pytest.fixture(autouse=True)
def no_frames_of_other_runs(transactional_db: None) -> None:
    redis_connection().flushdb()


async def first_messages(feed: Feed, *kinds: str) -> dict[str, Any]:
    """The first message of each kind."""
    found: dict[str, Any] = {}
    lines = feed.lines()
    async with asyncio.timeout(60):
        async for line in lines:
            kind, _, body = line.decode().partition("\ndata: ")
            found.setdefault(kind.removeprefix("event: "), orjson.loads(body))
            if set(kinds) <= found.keys():
                break
    await lines.aclose()  # type: ignore[attr-defined]
    return found


async def test_the_chart_begins_with_the_day_so_far_and_ends_at_the_clock() -> None:
    session = await in_thread(a_session)("AAPL", "MSFT", minutes=30)
    told = await first_messages(Feed(session.pk, "AAPL", ["AAPL", "MSFT"]), "tape")
    bars = told["tape"]["bars"]
    assert told["tape"]["whole"] and len(bars) == 30
    assert [row[0] for row in bars] == [int(OPEN.timestamp()) + 60 * n for n in range(30)]
    assert [row[4] for row in bars] == [100 + n / 100 for n in range(30)]
    assert bars[0][5] is None and bars[1][5] == 1


async def test_nothing_in_a_status_is_later_than_the_clock() -> None:
    session = await in_thread(a_session)("AAPL", minutes=30)
    told = await first_messages(Feed(session.pk, "AAPL", ["AAPL"]), "status")
    heat = told["status"]["heat"]
    assert (heat["upto"], heat["minutes"]) == (30, 390)
    assert heat["rows"] == {"AAPL": "T" * 30}
    assert told["status"]["card"]["position"] == 30


async def test_an_ended_session_shows_its_last_day() -> None:
    session = await in_thread(a_session)("AAPL", minutes=390, state=State.COMPLETED)
    told = await first_messages(Feed(session.pk, "AAPL", ["AAPL"]), "tape")
    assert len(told["tape"]["bars"]) == 390


def test_many_frames_make_one_message_with_every_bar_of_the_charted_symbol() -> None:
    unsent = Unsent("AAPL", frozenset({"AAPL", "MSFT"}))
    for minute in range(500):
        unsent.take(a_frame(minute))
    told = unsent.flush()
    assert len(told["bars"]) == 500 and told["bars"][-1][:5] == [60 * 499, 499.0, 500.0, 498.0, 499.5]
    assert told["latest"] == {"AAPL": 499.5, "MSFT": 499.5}
    assert unsent.flush()["bars"] == []


def a_frame(minute: int) -> Frame:
    column = np.array([minute, minute + 1, minute - 1, minute + 0.5, np.nan, np.nan, np.nan], dtype=np.float64)
    block = BarBlock(
        width=1,
        start_ms=60_000 * minute,
        end_ms=60_000 * (minute + 1),
        n_expected=1,
        synthetic=False,
        symbols=("AAPL", "MSFT"),
        columns=np.stack([column, column], axis=1),
        n_present=np.ones(2, dtype=np.uint16),
    )
    return Frame(FrameId(1, 60_000 * (minute + 1), 0), None, "", [], [block])


def test_the_heat_map_gives_what_is_new_and_never_a_later_letter() -> None:
    session = a_session("AAPL", minutes=30)
    BarDay.objects.update(ledger="T" * 20 + "A" * 5 + "T" * 365)
    heat = heat_of(session)
    clock = OPEN + dt.timedelta(minutes=22, seconds=59)
    assert heat.rows(clock)["rows"] == {"AAPL": "T" * 20 + "AA"}
    assert heat.rows(clock, since=21)["rows"] == {"AAPL": "A"}
    assert heat.rows(OPEN - dt.timedelta(hours=1))["rows"] == {"AAPL": ""}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"state": State.CREATED}, "Queued", id="queued"),
        pytest.param({"lease_renewed_at": None}, "No worker plays it", id="let go"),
        pytest.param({"lease_renewed_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, "silent for", id="silent worker"),
        pytest.param({"state": State.FAILED, "reason": "no bars"}, "no bars", id="failed"),
    ],
)
def test_a_card_says_in_words_why_a_session_stands_still(changes: dict[str, Any], words: str) -> None:
    session = a_session("AAPL")
    Session.objects.update(**changes)
    shown = cards.sessions_to_show(Session.objects.filter(pk=session.pk)).get()
    assert words in cards.card(shown, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))["note"]


def test_a_card_knows_its_place_in_a_window_over_a_weekend() -> None:
    days = cards.window(dt.date(2025, 7, 2), dt.date(2025, 7, 7))
    assert [day.minutes for day in days] == [390, 210, 390]
    monday = days[2].open + dt.timedelta(minutes=7)
    assert cards.minutes_played(days, monday) == 607
    assert cards.minutes_played(days, None) == 0


def test_a_stranger_gets_no_feed(client: Client) -> None:
    session = a_session("AAPL")
    assert client.get(f"/admin/replay/session/{session.pk}/feed/").status_code == 403
    client.force_login(User.objects.create_user("eve", is_staff=True))
    assert client.get(f"/admin/replay/session/{session.pk}/feed/").status_code == 403


def test_the_page_is_told_the_last_trade_and_both_sides_of_the_quote() -> None:
    unsent = Unsent("IBM", frozenset({"IBM"}))
    nan = float("nan")
    trades = ticks(TickKind.TRADES, [[182.44, 100], [182.45, 1200]])
    quotes = ticks(TickKind.QUOTES, [[182.4, 1, nan, nan], [nan, nan, 182.46, 2], [182.43, 5, nan, nan]])
    unsent.take(Frame(FrameId(1, 1, 0), None, "", [], [quotes, trades, ticks(TickKind.TRADES, [[1, 1]], "MSFT")]))
    assert unsent.flush()["latest"] == {"IBM ticks": "182.45 × 1,200", "IBM quotes": "182.43 / 182.46"}
    unsent.take(Frame(FrameId(1, 2, 0), None, "", [], [ticks(TickKind.QUOTES, [[nan, nan, 182.5, 1]])]))
    assert unsent.flush()["latest"] == {"IBM quotes": "182.43 / 182.5"}


def ticks(kind: TickKind, rows: list[list[float]], symbol: str = "IBM") -> TickBlock:
    count = len(rows)
    codes = np.zeros((len(CODES[kind]), count), np.int32)
    columns = TickColumns(kind, np.arange(count), np.array(rows, float).T, codes, np.zeros(count, np.uint8), ("",))
    return TickBlock.of([(symbol, columns)], 0, synthetic=False)
