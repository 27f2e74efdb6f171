"""The pages' feed: everything up to the clock, nothing later, and never more than ten messages a second."""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from broker import accounts
from broker.accounts import Opening
from broker.models import AccountEvent
from marketdata.columns import TickColumns
from marketdata.exchange_calendar import calendar_of
from marketdata.kinds import KINDS, DayKind
from marketdata.models import DayVersion
from sessions.models import Session, State
from sessions.redis_client import connection as redis_connection
from streaming.base.db import in_thread
from streaming.engine.frames.bar_blocks import BarBlock
from streaming.engine.frames.frame import Frame
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.frames.tick_blocks import TickBlock
from tests.streaming.rows import DAY, a_day, a_session
from web.pages import account_panel, cards
from web.pages.account_feed import AccountFeed
from web.pages.heat_panel import heat_of
from web.pages.live_feed import Feed, Unsent

pytestmark = pytest.mark.django_db(transaction=True)
OPEN = calendar_of().trading_day(DAY).open


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
    reported = await first_messages(Feed(session.pk, "AAPL", ["AAPL", "MSFT"]), "tape")
    bars = reported["tape"]["bars"]
    assert reported["tape"]["whole"] and len(bars) == 30
    assert [row[0] for row in bars] == [int(OPEN.timestamp()) + 60 * n for n in range(30)]
    assert [row[4] for row in bars] == [100 + n / 100 for n in range(30)]
    assert bars[0][5] is None and bars[1][5] == 1


async def test_nothing_in_a_status_is_later_than_the_clock() -> None:
    session = await in_thread(a_session)("AAPL", minutes=30)
    reported = await first_messages(Feed(session.pk, "AAPL", ["AAPL"]), "status")
    heat = reported["status"]["heat"]
    assert (heat["upto"], heat["minutes"]) == (30, 390)
    assert heat["rows"] == {"AAPL": "T" * 30}
    assert reported["status"]["card"]["position"] == 30


async def test_an_ended_session_shows_its_last_day() -> None:
    session = await in_thread(a_session)("AAPL", minutes=390, state=State.COMPLETED)
    reported = await first_messages(Feed(session.pk, "AAPL", ["AAPL"]), "tape")
    assert len(reported["tape"]["bars"]) == 390


async def test_days_before_the_start_are_left_of_it_with_their_gaps() -> None:
    session = await in_thread(a_session)("AAPL", minutes=30)
    before = calendar_of().previous_trading_day(DAY)
    await in_thread(a_day)("AAPL", before.date, session.dataset, ledger="TTAM" + "T" * 386)
    reported = (await first_messages(Feed(session.pk, "AAPL", ["AAPL"]), "tape"))["tape"]
    opened = int(before.open.timestamp())
    assert reported["first"] == str(before.date)
    assert (reported["bars"][0][0], len(reported["bars"])) == (opened, 390 + 30)
    assert reported["gaps"] == [[opened + 120, "A"], [opened + 180, "M"]]


def test_earlier_days_come_when_asked_for_and_never_a_later_one() -> None:
    session = a_session("AAPL", minutes=30)
    calendar = calendar_of()
    dates = [day.date for day in calendar.trading_days(DAY - dt.timedelta(days=12), DAY - dt.timedelta(days=1))]
    for date in [*dates, calendar.next_trading_day(DAY).date]:
        a_day("AAPL", date, session.dataset)
    admin = Client()
    admin.force_login(User.objects.create_superuser("root"))
    address = f"/admin/replay/session/{session.pk}/earlier/"
    shown = admin.get(address, {"symbol": "aapl", "before": str(dates[-1])}).json()
    assert (shown["first"], len(shown["bars"])) == (str(dates[-6]), 5 * 390)
    assert admin.get(address, {"symbol": "AAPL", "before": shown["first"]}).json()["first"] == str(dates[0])
    assert admin.get(address, {"symbol": "AAPL", "before": str(dates[0])}).json()["first"] is None
    clock = int(OPEN.timestamp()) + 30 * 60
    for late in ("2030-01-01", str(DAY + dt.timedelta(days=1))):
        bars = admin.get(address, {"symbol": "AAPL", "before": late}).json()["bars"]
        assert max(row[0] for row in bars) == clock - 60
    assert admin.get(address, {"before": "soon"}).status_code == 404
    nobody = Client()
    nobody.force_login(User.objects.create_user("nobody", is_staff=True))
    assert nobody.get(address, {"before": str(DAY)}).status_code == 403


async def test_an_account_comes_whole_and_then_what_is_new_of_it() -> None:
    session = await in_thread(a_session)("AAPL", minutes=30)
    account = await in_thread(accounts.create)(session, Opening("hand"))
    feed = Feed(session.pk, "AAPL", ["AAPL"], account=AccountFeed(session.pk, account.pk), shows_accounts=True)
    reported = await first_messages(feed, "account", "status")
    said = reported["account"]
    assert (said["name"], said["whole"], said["equity"], said["positions"]) == ("hand", True, "100000", [])
    assert said["curve"][-1] == [said["clock"] // 1000, 100000.0]
    assert reported["status"]["accounts"] == ["hand"] and reported["status"]["symbols"] == ["AAPL"]


def test_who_may_not_see_accounts_gets_none() -> None:
    session = a_session("AAPL", minutes=30)
    accounts.create(session, Opening("hand"))
    watcher = User.objects.create_user("watcher", is_staff=True)
    watcher.user_permissions.add(Permission.objects.get(codename="view_session", content_type__app_label="replay"))
    client = Client()
    client.force_login(watcher)
    page = client.get(f"/admin/replay/session/{session.pk}/change/").content.decode()
    assert 'id="ticket"' not in page and 'id="account-panel"' not in page


@pytest.mark.parametrize(
    ("basis", "size", "words"),
    [
        ("quote", 300, "met the quote 93.31 × 300 of 10:30:01"),
        ("trade", 300, "met the trade 93.31 × 300 of 10:30:01"),
        ("bar_open", None, "open 93.31 of the bar from 10:30"),
        ("bar_range", None, "range of the bar from 10:30"),
        ("last_close", None, "close 93.31 of the last bar, 10:30"),
        ("auction", 300, "auction print 93.31 × 300 of 10:30:01"),
    ],
)
def test_every_fill_says_in_words_what_it_met(basis: str, size: int | None, words: str) -> None:
    met = dt.datetime(2024, 11, 18, 15, 30, 1, tzinfo=dt.UTC)
    event = AccountEvent(
        basis=basis,
        met_price=Decimal("93.310000000"),
        met_size=size and Decimal(size),
        met_ns=int(met.timestamp()) * 10**9,
    )
    assert account_panel.why(event, ZoneInfo("America/New_York")) == words


def test_many_frames_make_one_message_with_every_bar_of_the_charted_symbol() -> None:
    unsent = Unsent("AAPL", frozenset({"AAPL", "MSFT"}))
    for minute in range(500):
        unsent.take(a_frame(minute))
    reported = unsent.flush()
    assert len(reported["bars"]) == 500 and reported["bars"][-1][:5] == [60 * 499, 499.0, 500.0, 498.0, 499.5]
    assert reported["latest"] == {"AAPL": 499.5, "MSFT": 499.5}
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
    DayVersion.objects.update(ledger="T" * 20 + "A" * 5 + "T" * 365)
    heat = heat_of(session)
    clock = OPEN + dt.timedelta(minutes=22, seconds=59)
    assert heat.rows(clock)["rows"] == {"AAPL": "T" * 20 + "AA"}
    assert heat.rows(clock, since=21)["rows"] == {"AAPL": "A"}
    assert heat.rows(OPEN - dt.timedelta(hours=1))["rows"] == {"AAPL": ""}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"state": State.CREATED}, "Queued", id="queued"),
        pytest.param({"lease_renewed_at": None}, "No worker plays it", id="released"),
        pytest.param({"lease_renewed_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, "silent for", id="silent worker"),
        pytest.param({"state": State.FAILED, "reason": "no bars"}, "no bars", id="failed"),
    ],
)
def test_a_card_says_in_words_why_a_session_stands_still(changes: dict[str, Any], words: str) -> None:
    given = {"lease_renewed_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC), **changes}
    session = a_session("AAPL", **given)
    shown = cards.sessions_to_show(Session.objects.filter(pk=session.pk)).get()
    assert words in cards.card(shown, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))["note"]


def test_a_card_knows_its_place_in_a_window_over_a_weekend() -> None:
    days = cards.window(calendar_of(), dt.date(2025, 7, 2), dt.date(2025, 7, 7))
    assert [day.minutes for day in days] == [390, 210, 390]
    monday = days[2].open + dt.timedelta(minutes=7)
    assert cards.minutes_played(days, monday) == 607
    assert cards.minutes_played(days, None) == 0


def test_a_stranger_gets_no_feed(client: Client) -> None:
    session = a_session("AAPL")
    assert client.get(f"/admin/replay/session/{session.pk}/feed/").status_code == 403
    client.force_login(User.objects.create_user("eve", is_staff=True))
    assert client.get(f"/admin/replay/session/{session.pk}/feed/").status_code == 403


def test_the_page_is_reported_the_last_trade_and_both_sides_of_the_quote() -> None:
    unsent = Unsent("IBM", frozenset({"IBM"}))
    nan = float("nan")
    trades = ticks(DayKind.TRADES, [[182.44, 100], [182.45, 1200]])
    quotes = ticks(DayKind.QUOTES, [[182.4, 1, nan, nan], [nan, nan, 182.46, 2], [182.43, 5, nan, nan]])
    unsent.take(Frame(FrameId(1, 1, 0), None, "", [], [quotes, trades, ticks(DayKind.TRADES, [[1, 1]], "MSFT")]))
    assert unsent.flush()["latest"] == {"IBM ticks": "182.45 × 1,200", "IBM quotes": "182.43 / 182.46"}
    unsent.take(Frame(FrameId(1, 2, 0), None, "", [], [ticks(DayKind.QUOTES, [[nan, nan, 182.5, 1]])]))
    assert unsent.flush()["latest"] == {"IBM quotes": "182.43 / 182.5"}


def ticks(kind: DayKind, rows: list[list[float]], symbol: str = "IBM") -> TickBlock:
    count = len(rows)
    codes = np.zeros((len(KINDS[kind].codes), count), np.int32)
    columns = TickColumns(kind, np.arange(count), np.array(rows, float).T, codes, np.zeros(count, np.uint8), ("",))
    return TickBlock.of([(symbol, columns)], 0, synthetic=False)
