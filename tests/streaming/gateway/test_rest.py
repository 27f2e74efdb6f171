"""The broker's REST API on stored days: shapes, refusals, and nothing later than the session's clock."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import pytest
from django.test import Client

from marketdata import calendar
from marketdata.models import BarDay, Scope
from sessions import keys
from sessions.models import JournalEntry, Session, SessionKey
from sessions.wakeup import connection as redis_connection
from tests.streaming.rows import DAY, a_day, a_session

pytestmark = pytest.mark.django_db
OPEN = calendar.trading_day(DAY).open
PRICES = ("open", "high", "low", "close")


class Bot:
    """A client with a key of a session whose clock stands half an hour after the open."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.key, self.secret = keys.create(session, SessionKey.Kind.BROKER)
        self.headers = {"APCA-API-KEY-ID": self.key.key_id, "APCA-API-SECRET-KEY": self.secret}

    def ask(self, address: str, expected: int = 200, **query: object) -> Any:
        answer = Client().get(f"/alpaca{address}", query, headers=self.headers)
        assert answer.status_code == expected, answer.content
        assert answer["Content-Type"] == "application/json"
        if expected != 200:
            assert answer.json().keys() == {"code", "message"} and isinstance(answer.json()["code"], int)
        return answer.json()

    def bars(self, symbol: str = "AAPL", **query: object) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("/v2/stocks/bars", symbols=symbol, **query)["bars"].get(symbol, [])
        return found


def revise(day: BarDay, **columns: Any) -> None:
    BarDay.objects.filter(pk=day.pk).update(**columns)


@pytest.fixture
def bot() -> Bot:
    redis_connection().flushdb()
    session = a_session()
    before = calendar.previous_trading_day(DAY).date
    a_day("AAPL", before)
    hours = {name: [90.0, 91.0, 999.0] for name in PRICES}
    early = a_day("AAPL", scope=Scope.EXTENDED)
    revise(early, bar_count=3, offset=[-120, -60, 24_000], volume=[1000, 2000, 4000], ledger="", **hours)
    return Bot(session)


def test_bars_end_at_the_visible_clock_whatever_is_asked(bot: Bot) -> None:
    far = {"start": DAY.isoformat(), "end": "2030-01-01", "limit": 10_000}
    bars = bot.bars(timeframe="1Min", **far)
    assert [bars[0]["t"], bars[1]["t"], bars[2]["t"]] == [
        "2024-11-18T14:28:00Z", "2024-11-18T14:29:00Z", "2024-11-18T14:30:00Z",
    ]  # fmt: skip
    assert bars[-1]["t"] == "2024-11-18T14:59:00Z" and len(bars) == 32
    assert bot.bars(timeframe="1Min", start="2024-11-18T15:00:00Z", end="2024-11-20") == []
    assert bot.bars(timeframe="1Min", start="2024-11-19") == []
    assert bot.bars(timeframe="1Min", sort="desc", limit=1) == bars[-1:], "without a start it is the current day"


def test_unfinished_bars_are_shown_as_they_stand(bot: Bot) -> None:
    hours = bot.bars(timeframe="1Hour", start="2024-11-18T14:00:00Z")
    assert [(bar["t"], bar["c"]) for bar in hours] == [("2024-11-18T14:00:00Z", 100.29)]
    (week,) = bot.bars(timeframe="1Week", start="2024-11-18")
    assert (week["t"], week["c"]) == ("2024-11-18T05:00:00Z", 100.29)


def test_a_days_prices_are_the_sessions_and_its_volume_is_all_hours(bot: Bot) -> None:
    yesterday, today = bot.bars(timeframe="1Day", start="2024-11-15")
    assert today["t"] == "2024-11-18T05:00:00Z"
    assert [today[key] for key in "ohlc"] == pytest.approx([100.0, 100.3, 99.99, 100.29])
    assert today["v"] == 3000 + sum(range(1, 30))
    assert (yesterday["t"], yesterday["c"]) == ("2024-11-15T05:00:00Z", 103.89)


def test_pages_go_symbol_by_symbol_and_then_by_time(bot: Bot) -> None:
    query = {"symbols": "MSFT,AAPL,NONE", "timeframe": "10Min", "start": OPEN.isoformat(), "limit": 2}
    got, token = [], None
    while True:
        page = bot.ask("/v2/stocks/bars", **query, **({"page_token": token} if token else {}))
        got += [(symbol, bar["t"][11:16]) for symbol, bars in page["bars"].items() for bar in bars]
        token = page["next_page_token"]
        if token is None:
            break
    assert got == [(symbol, at) for symbol in ("AAPL", "MSFT") for at in ("14:30", "14:40", "14:50")]


def test_the_latest_and_the_snapshot_are_of_the_clock(bot: Bot) -> None:
    latest = bot.ask("/v2/stocks/bars/latest", symbols="AAPL,MSFT,NONE")["bars"]
    assert {symbol: bar["t"] for symbol, bar in latest.items()} == {
        "AAPL": "2024-11-18T14:59:00Z",
        "MSFT": "2024-11-18T14:59:00Z",
    }
    snapshot = bot.ask("/v2/stocks/snapshots", symbols="AAPL,NONE")
    assert snapshot.keys() == {"AAPL"}
    assert snapshot["AAPL"]["minuteBar"] == latest["AAPL"]
    assert snapshot["AAPL"]["dailyBar"]["c"] == 100.29
    assert snapshot["AAPL"]["prevDailyBar"]["t"] == "2024-11-15T05:00:00Z"
    assert (snapshot["AAPL"]["latestTrade"], snapshot["AAPL"]["latestQuote"]) == (None, None)
    alone = bot.ask("/v2/stocks/AAPL/snapshot")
    assert (alone["symbol"], alone["dailyBar"]) == ("AAPL", snapshot["AAPL"]["dailyBar"])
    assert bot.ask("/v2/stocks/AAPL/bars/latest") == {"symbol": "AAPL", "bar": latest["AAPL"]}


def test_a_later_version_of_the_day_changes_nothing_for_the_session(bot: Bot) -> None:
    a_day("IBM")
    BarDay.objects.filter(instrument__symbol="MSFT").update(current=False)
    revise(a_day("MSFT", version=2), **{name: [1.0] * 390 for name in PRICES})
    assert bot.bars("MSFT", timeframe="1Min", start=OPEN.isoformat())[0]["o"] == 100.0
    assert len(bot.bars("IBM", timeframe="1Min", start=OPEN.isoformat())) == 30, "not in the session, in its dataset"


def test_a_session_of_what_was_known_has_no_later_knowledge_in_its_history(bot: Bot) -> None:
    before = calendar.previous_trading_day(DAY).date
    BarDay.objects.filter(date=before).update(current=False)
    for version, known_at in ((2, OPEN + dt.timedelta(minutes=10)), (3, OPEN + dt.timedelta(minutes=50))):
        day = a_day("AAPL", before, version=version, known_at=known_at, current=version == 3)
        revise(day, close=[float(version)] * 390)
    asked = {"timeframe": "1Min", "start": f"{before}T15:00:00Z", "limit": 1}
    assert bot.bars(**asked)[0]["c"] == 3.0, "the newest, where a session replays what is final"
    Session.objects.filter(pk=bot.session.pk).update(as_known=True)
    assert bot.bars(**asked)[0]["c"] == 2.0


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"symbols": "AAPL,BAD$YM"}, "invalid symbol: BAD$YM"),
        ({"symbols": "aapl"}, "invalid symbol: aapl"),
        ({"symbols": ""}, "query parameter 'symbols' is required"),
        ({"timeframe": "60Min"}, "invalid timeframe"),
        ({"start": "yesterday"}, "error parsing 'yesterday'"),
        ({"start": "2024-11-18", "end": "2024-11-15"}, "end should not be before start"),
        ({"limit": "10001"}, "larger than the allowed maximum of 10000"),
        ({"limit": "0"}, "invalid limit: 0"),
        ({"sort": "sideways"}, "invalid sort: sideways"),
        ({"feed": "nope"}, "invalid feed: nope"),
        ({"adjustment": "raw,bogus"}, "invalid adjustment: bogus"),
        ({"currency": "dollars"}, "invalid currency: dollars"),
        ({"page_token": "!!"}, "invalid page_token: !!"),
    ],
)
def test_a_bad_parameter_is_refused_with_its_value(bot: Bot, query: dict[str, str], words: str) -> None:
    assert words in bot.ask("/v2/stocks/bars", 400, **{"symbols": "AAPL", "timeframe": "1Min", **query})["message"]


@pytest.mark.parametrize(
    "address", ["/v2/account", "/v2/orders", "/v2/orders/1", "/v2/positions/AAPL", "/v2/orders:by_client_order_id"]
)
def test_what_is_not_simulated_says_so(bot: Bot, address: str) -> None:
    assert "not simulated" in bot.ask(address, 403)["message"]
    answer = Client().post(
        f"/alpaca{address}", {"symbol": "AAPL"}, content_type="application/json", headers=bot.headers
    )
    assert (answer.status_code, "not simulated" in answer.json()["message"]) == (403, True)


def test_unknown_addresses_are_answered_in_json_and_slashes_do_not_redirect(bot: Bot) -> None:
    assert bot.ask("/v2/stocks/definitely/not/here", 404)["code"] == 40410000
    assert bot.ask("//v2/clock")["is_open"] is True
    assert bot.ask("/v1beta1/news", 404)["message"] == "endpoint not found."


def test_a_defect_of_ours_is_told_in_json(bot: Bot) -> None:
    JournalEntry.objects.filter(session=bot.session, kind="load").update(payload={})
    client = Client(raise_request_exception=False)
    answer = client.get("/alpaca/v2/stocks/bars/latest?symbols=AAPL", headers=bot.headers)
    assert (answer.status_code, answer.json()) == (500, {"code": 50010000, "message": "internal server error"})


@pytest.mark.parametrize("scheme", ["headers", "basic", "bearer"])
def test_a_key_may_be_sent_in_three_ways(bot: Bot, scheme: str) -> None:
    pair = f"{bot.key.key_id}:{bot.secret}"
    ways = {
        "headers": bot.headers,
        "basic": {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"},
        "bearer": {"Authorization": f"Bearer {pair.replace(':', '.')}"},
    }
    assert Client().get("/alpaca/v2/clock", headers=ways[scheme]).status_code == 200


def test_other_keys_open_nothing(bot: Bot) -> None:
    reader, secret = keys.create(bot.session, SessionKey.Kind.READER)
    wrong = [
        {},
        {"APCA-API-KEY-ID": bot.key.key_id},
        {"APCA-API-KEY-ID": bot.key.key_id, "APCA-API-SECRET-KEY": "guess"},
        {"APCA-API-KEY-ID": reader.key_id, "APCA-API-SECRET-KEY": secret},
        {"Authorization": "Basic nonsense"},
    ]
    for headers in wrong:
        answer = Client().get("/alpaca/v2/clock", headers=headers)
        assert (answer.status_code, answer.json()["message"]) == (401, "unauthorized")
    assert Client().get("/api/bars/?symbol=AAPL", headers=bot.headers).status_code in (401, 403)
    token = {"Authorization": f"Bearer {bot.key.key_id}.{bot.secret}"}
    assert Client().get("/api/bars/?symbol=AAPL", headers=token).status_code in (401, 403)


def test_a_key_that_asks_too_often_is_told_so(bot: Bot, settings: Any) -> None:
    settings.ALPACA_REQUESTS_PER_MINUTE = 3
    answers = [Client().get("/alpaca/v2/clock", headers=bot.headers) for _ in range(9)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 3, "at most three in each of two minutes"
    assert refused[0].json() == {"code": 42910000, "message": "too many requests."}
    assert answers[0]["X-RateLimit-Limit"] == "3"


def test_who_guesses_keys_is_refused_even_with_the_right_one(bot: Bot) -> None:
    for _ in range(250):
        Client().get("/alpaca/v2/clock", headers={"APCA-API-KEY-ID": "PKGUESS"})
    assert Client().get("/alpaca/v2/clock", headers=bot.headers).status_code == 429


def test_the_calendar_lists_trading_days_with_their_hours(bot: Bot) -> None:
    days = bot.ask("/v2/calendar", start="2024-11-27", end="2024-12-02T23:00:00Z")
    assert [(day["date"], day["open"], day["close"], day["settlement_date"]) for day in days] == [
        ("2024-11-27", "09:30", "16:00", "2024-11-29"),
        ("2024-11-29", "09:30", "13:00", "2024-12-02"),
        ("2024-12-02", "09:30", "16:00", "2024-12-03"),
    ]
    assert bot.ask("/v2/calendar", start="2024-11-28", end="2024-11-28") == []
    (march,) = bot.ask("/v2/calendar", start="2024-03-14", end="2024-03-14")
    assert march["settlement_date"] == "2024-03-18", "two days, before the rule changed"
    assert len(bot.ask("/v2/calendar")) > 9000


def test_assets_are_what_the_dataset_holds_by_the_clock(bot: Bot) -> None:
    a_day("ZZZZ", dt.date(2024, 11, 19))
    assets = bot.ask("/v2/assets", status="active", asset_class="us_equity")
    assert [asset["symbol"] for asset in assets] == ["AAPL", "MSFT"]
    assert bot.ask(f"/v2/assets/{assets[0]['id']}") == bot.ask("/v2/assets/AAPL") == assets[0]
    assert bot.ask("/v2/assets/ZZZZ", 404)["message"] == "asset not found for ZZZZ"
    assert bot.ask("/v2/assets", status="inactive") == []
