"""Trades and quotes at two addresses: a session's never show what is later than its clock, the store's show all."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from marketdata import calendar
from marketdata.columns import TickColumns
from marketdata.kinds import TICK_KINDS
from marketdata.models import Instrument
from marketdata.providers.synthetic import make_day
from marketdata.providers.synthetic_ticks import make_quotes, make_trades
from marketdata.store import NewDay, find_days, write_days
from sessions.models import ActiveStream, DayMark, Session
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.frames.stretch import Stretch
from streaming.engine.tape import merge
from streaming.reading.rederive import frames_between, part_after
from streaming.reading.selection import Selection
from streaming.reading.snapshot import snapshot
from tests.streaming.callers import ALL, assert_problem, log_in
from tests.streaming.rows import DAY, a_session, pin

pytestmark = pytest.mark.django_db
TRADING = calendar.trading_day(DAY)
TRADES = make_trades("THIN", DAY, make_day("THIN", TRADING))
QUOTES = make_quotes("THIN", DAY, TRADES)
OPEN_NS = int(TRADING.open.timestamp()) * 10**9


@pytest.fixture
def session() -> Session:
    """THIN, thirty minutes after the open, with trades and quotes."""
    made = a_session("THIN", types=["bars", "ticks", "quotes"])
    thin = Instrument.objects.get(symbol="THIN")
    write_days(made.dataset_id, [NewDay(thin.pk, DAY, rows) for rows in (TRADES, QUOTES)])
    pins: dict[str, Any] = {}
    for kind in TICK_KINDS:
        pins[kind] = {"THIN": find_days(made.dataset_id, kind, DAY, ["THIN"])["THIN"].id}
        ActiveStream.objects.create(session=made, instrument=thin, stream_type=kind)
    pin(made, 2, DAY, **pins)
    return made


def known(rows: TickColumns, minutes: int = 30) -> list[int]:
    """Stamps up to that many minutes after the open."""
    return [OPEN_NS + at for at in rows.at.tolist() if at <= minutes * 60 * 10**9]


def stamps(events: list[dict[str, Any]]) -> list[int]:
    return [pd.Timestamp(event["at"]).value for event in events]


@pytest.mark.parametrize(("kind", "rows"), [("trades", TRADES), ("quotes", QUOTES)])
def test_a_session_address_ends_at_the_clock(session: Session, kind: str, rows: TickColumns) -> None:
    client = log_in("view_session")
    answer = client.get(f"/api/sessions/{session.pk}/{kind}/", {"symbol": "thin", "limit": 50_000}).json()
    assert stamps(answer[kind]) == known(rows)
    assert len(known(rows)) < len(rows)
    newest = client.get(f"/api/sessions/{session.pk}/{kind}/", {"symbol": "THIN", "limit": 7}).json()
    assert newest[kind] == answer[kind][-7:]


@pytest.mark.parametrize(
    ("start", "minute"),
    [("2024-11-18T09:40", 10), ("9:40", 10), ("2024-11-18T14:40:00Z", 10), ("1900-01-02T00:00Z", 0)],
)
def test_a_start_without_a_zone_is_the_exchanges_time(session: Session, start: str, minute: int) -> None:
    query = {"symbol": "THIN", "limit": 50_000, "start": start}
    answer = log_in("view_session").get(f"/api/sessions/{session.pk}/trades/", query).json()
    assert stamps(answer["trades"]) == [at for at in known(TRADES) if at >= OPEN_NS + minute * 60 * 10**9]


@pytest.mark.parametrize("start", ["soon", "2024-11-16", "99999-01-01", "2024-13-01T00:00Z"])
def test_a_start_that_is_no_moment_is_refused_by_name(session: Session, start: str) -> None:
    query = {"symbol": "THIN", "start": start}
    body = assert_problem(log_in("view_session").get(f"/api/sessions/{session.pk}/trades/", query), 400, start)
    assert body["errors"][0]["field"] == "start"


def test_a_symbol_without_trades_is_reported(session: Session) -> None:
    client = log_in("view_session")
    answer = client.get(f"/api/sessions/{session.pk}/trades/", {"symbol": "AAPL"})
    assert_problem(answer, 400, "AAPL has no trades in this session: THIN has")


def test_the_store_gives_the_whole_day_page_by_page(session: Session) -> None:
    client = log_in(*ALL)
    found: list[int] = []
    url: str | None = "/api/quotes/?symbol=THIN&limit=700"
    while url:
        answer = client.get(url).json()
        assert answer["count"] <= 700
        found += stamps(answer["quotes"])
        url = answer["next"]
    assert found == known(QUOTES, TRADING.minutes)


def test_the_store_takes_moments_and_needs_its_permission(session: Session) -> None:
    window = {"symbol": "THIN", "start": "2024-11-18T15:00:00Z", "end": "2024-11-18T15:05:00Z"}
    answer = log_in(*ALL).get("/api/trades/", window).json()
    first, last = known(TRADES, 30)[-1], known(TRADES, 35)[-1]
    assert all(first <= at <= last for at in stamps(answer["trades"]))
    assert len(answer["trades"]) == len(known(TRADES, 35)) - len(known(TRADES, 30))
    assert_problem(log_in("view_session").get("/api/trades/", window), 403, "marketdata.view_bar")


def test_a_malformed_place_is_reported(session: Session) -> None:
    answer = log_in(*ALL).get("/api/trades/", {"symbol": "THIN", "after": "there"})
    assert_problem(answer, 400, "'there' is not a place")


def test_a_late_joiner_gets_the_last_trade_and_quote(session: Session) -> None:
    event = snapshot(session, Selection.of())
    assert stamps(event["trades"]) == known(TRADES)[-1:]
    assert stamps(event["quotes"]) == known(QUOTES)[-1:]
    bars_only = snapshot(session, Selection.of(types=["bars"]))
    assert (bars_only["trades"], bars_only["quotes"]) == ([], [])
    assert bars_only["bars"] == event["bars"]


def test_types_are_channels_beside_the_intervals() -> None:
    everything, minutes, trades = Selection.of(), Selection.of(intervals=["1m"]), Selection.of(["IBM"], types=["ticks"])
    assert everything.symbols("ticks") is None
    assert minutes.symbols("ticks") == frozenset() and minutes.symbols("1m") is None
    assert trades.symbols("ticks") == {"IBM"} and trades.symbols("1m") == frozenset()
    both = Selection.of(types=["bars", "quotes"], intervals=["5m"])
    assert [both.symbols(name) for name in ("5m", "1m", "quotes", "ticks")] == [None, frozenset(), None, frozenset()]
    assert Selection.of(types=["bars"]).symbols("15m") is None


def test_frames_made_again_part_by_part_are_those_made_at_once(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    DayMark.objects.create(session=session, generation=1, date=DAY)
    until = FrameId.parse(f"1.{session.run.frame_id}")
    (whole,) = frames_between(session, None, until)
    monkeypatch.setattr(merge, "STRETCH_BYTES", 5_000)
    parts: list[list[Stretch]] = [part_after(session, None, until, 20_000)]
    while parts[-1]:
        parts.append(part_after(session, parts[-1][-1].id, until, 20_000))
    assert len(parts) > 3
    together = [frame for part in parts for stretch in part for frame in stretch.frames]
    assert [frame.wire() for frame in together] == [frame.wire() for stretch in whole for frame in stretch.frames]
    events = [event for frame in together for event in frame.wire()["events"]]
    assert stamps([event for event in events if event["type"] == "trade"]) == known(TRADES)
