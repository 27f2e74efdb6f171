"""Market data over HTTP on stored days: shapes, refusals, and nothing later than the session's clock."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from gateway.sockets.daily_bars import DailyBars
from marketdata import calendar
from marketdata.columns import TickColumns
from marketdata.kinds import DayKind
from marketdata.models import DayVersion
from marketdata.store import NewDay, write_days
from marketdata.units import SECOND_NS
from sessions.models import Session
from streaming.engine.frames.bar_blocks import BarBlock
from tests.gateway.bots import Bot
from tests.streaming.rows import DAY, a_day, bars_of

pytestmark = pytest.mark.django_db


OPEN = calendar.trading_day(DAY).open


PRICES = ("open", "high", "low", "close")


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
    assert today["l"] <= today["vw"] <= today["h"], "the extended hours at 90 and 91 are not of it"
    sent = DailyBars.load(bot.session, bot.session.run.clock.timestamp() * SECOND_NS)  # type: ignore[arg-type, union-attr]
    assert sent.values["AAPL"][6] == today["vw"]
    sent.values, sent.regular = {"AAPL": [100.0, 101.0, 99.0, 100.0, 1100.0, 0.0, 100.0]}, {"AAPL": 100.0}
    block = BarBlock(1, 0, 60_000, 1, False, ("AAPL",), np.empty((7, 1)), np.ones(1, np.uint16))
    sent.add(block, np.array([[102.0], [102.0], [102.0], [102.0], [100.0], [0.0], [102.0]]))
    assert sent.values["AAPL"][4:] == [1200.0, 0.0, 101.0]


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
    made = snapshot["AAPL"]["latestTrade"], snapshot["AAPL"]["latestQuote"]
    assert [(each["t"], each["c"]) for each in made] == [("2024-11-18T15:00:00Z", ["synthetic"])] * 2
    assert (made[0]["p"], made[1]["bp"], made[1]["ap"]) == (100.29, 100.28, 100.3)
    alone = bot.ask("/v2/stocks/AAPL/snapshot")
    assert (alone["symbol"], alone["dailyBar"]) == ("AAPL", snapshot["AAPL"]["dailyBar"])
    assert bot.ask("/v2/stocks/AAPL/bars/latest") == {"symbol": "AAPL", "bar": latest["AAPL"]}


def test_a_later_version_of_the_day_changes_nothing_for_the_session(bot: Bot) -> None:
    a_day("IBM")
    DayVersion.objects.filter(instrument__symbol="MSFT").update(current=False)
    a_day("MSFT", version=2, bars=bars_of(DAY, **{name: np.ones(390) for name in PRICES}))
    assert bot.bars("MSFT", timeframe="1Min", start=OPEN.isoformat())[0]["o"] == 100.0
    assert len(bot.bars("IBM", timeframe="1Min", start=OPEN.isoformat())) == 30, "not in the session, in its dataset"


def test_a_session_of_what_was_known_has_no_later_knowledge_in_its_history(bot: Bot) -> None:
    before = calendar.previous_trading_day(DAY).date
    DayVersion.objects.filter(date=before).update(current=False)
    for version, known_at in ((2, OPEN + dt.timedelta(minutes=10)), (3, OPEN + dt.timedelta(minutes=50))):
        bars = bars_of(before, close=np.full(390, float(version)))
        a_day("AAPL", before, bars=bars, version=version, known_at=known_at, current=version == 3)
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


def test_extended_hours_end_early_on_half_days(bot: Bot) -> None:
    days = bot.ask("/v2/calendar", start="2025-11-26", end="2025-11-28")
    shown = [(day["date"], day["close"], day["session_open"], day["session_close"]) for day in days]
    assert shown == [("2025-11-26", "16:00", "0400", "2000"), ("2025-11-28", "13:00", "0400", "1700")]
    (late,) = bot.ask("/v2/calendar", start="2002-09-11", end="2002-09-11")
    assert (late["open"], late["close"]) == ("12:00", "16:00")


def test_the_calendar_lists_trading_days_with_their_hours(bot: Bot) -> None:
    days = bot.ask("/v2/calendar", start="2024-11-27", end="2024-12-02T23:00:00Z")
    assert [(day["date"], day["open"], day["close"], day["settlement_date"]) for day in days] == [
        ("2024-11-27", "09:30", "16:00", "2024-11-29"),
        ("2024-11-29", "09:30", "13:00", "2024-12-02"),
        ("2024-12-02", "09:30", "16:00", "2024-12-03"),
    ]
    assert bot.ask("/v2/calendar", start="2024-11-28", end="2024-11-28") == []
    (written,) = bot.ask("/v2/calendar", start="2024-11-27T00:00:00Z", end="2024-11-27T00:00:00Z")
    assert written["date"] == "2024-11-27", "a date is what is written, not New York's of that moment"
    (listed,) = bot.ask("/v3/calendar/XNYS", start="2024-11-27T00:00:00Z", end="2024-11-27T00:00:00Z")["calendar"]
    assert listed["date"] == "2024-11-27"
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


def test_the_test_feeds_symbol_is_no_bad_one(bot: Bot) -> None:
    assert bot.ask("/v2/stocks/bars", symbols="FAKEPACA", timeframe="1Min")["bars"] == {}
    assert bot.ask("/v2/stocks/bars", 400, symbols="FAKEPACAS", timeframe="1Min")["message"]


def test_the_letters_of_exchanges_and_conditions_are_explained(bot: Bot) -> None:
    assert bot.ask("/v2/stocks/meta/exchanges")["N"] == "New York Stock Exchange"
    assert bot.ask("/v2/stocks/meta/conditions/trade", tape="A")["I"] == "Odd Lot Trade"
    assert bot.ask("/v2/stocks/meta/conditions/quote", tape="C")["R"]
    assert "tape" in bot.ask("/v2/stocks/meta/conditions/trade", 400)["message"]
    assert "bars" in bot.ask("/v2/stocks/meta/conditions/bars", 404, tape="A")["message"]


def test_auctions_of_bars_alone_are_made_and_the_close_is_not_known_before_it(bot: Bot) -> None:
    found = bot.ask("/v2/stocks/auctions", symbols="AAPL,MSFT", start="2024-11-15")
    first, second = found["auctions"]["AAPL"]
    assert (first["d"], first["o"][0]["p"], first["c"][0]["p"]) == ("2024-11-15", 100.0, 103.89)
    assert (second["d"], second["o"][0]["t"], second["c"]) == ("2024-11-18", "2024-11-18T14:30:00Z", [])
    assert second["o"][0]["c"] == "synthetic"
    assert bot.ask("/v2/stocks/MSFT/auctions")["auctions"] == found["auctions"]["MSFT"]
    page = bot.ask("/v2/stocks/auctions", symbols="AAPL", start="2024-11-15", limit=1)
    assert page["auctions"]["AAPL"] == [first]
    token = page["next_page_token"]
    rest = bot.ask("/v2/stocks/auctions", symbols="AAPL", start="2024-11-15", limit=1, page_token=token)
    assert (rest["auctions"]["AAPL"], rest["next_page_token"]) == ([second], None)


def test_auctions_are_the_prints_that_say_so(bot: Bot) -> None:
    words = ("", "N", "@", "O", "6", "1000000")
    at = np.array([0, 1, 2, 1500, 1799, 1801], np.int64) * SECOND_NS
    values = np.array([[100.0, 100.1, 100.2, 101.0, 101.5, 102.0], [10, 500, 20, 700, 1, 1]])
    codes = np.array([[1] * 6, [2, 3, 2, 4, 5, 4]], np.int32)
    trades = TickColumns(DayKind.TRADES, at, values, codes, np.zeros(6, np.uint8), words)
    instrument = bot.session.streams.get(instrument__symbol="AAPL").instrument_id
    write_days(bot.session.dataset_id, [NewDay(instrument, DAY, trades)])
    (day,) = bot.ask("/v2/stocks/AAPL/auctions", start=DAY.isoformat())["auctions"]
    assert [(row["p"], row["s"], row["x"], row["c"]) for row in day["o"]] == [(100.1, 500, "N", "O")]
    assert [(row["p"], row["c"]) for row in day["c"]] == [(101.0, "6"), (101.5, "M")], "nothing after the clock"
