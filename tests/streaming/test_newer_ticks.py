"""Newer trades and quotes under a live session: it is said once, plays on what it pinned, and a new one the newer."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketdata.calendar import trading_day
from marketdata.columns import TickColumns
from marketdata.columns.tick_columns import DERIVED
from marketdata.kinds import KINDS, TICK_KINDS, DayKind
from marketdata.models import Scope
from marketdata.store import NewDay, ensure_instruments, write_days
from sessions import control
from sessions.models import Session, SessionEvent, State
from streaming.engine.playing.player import Player
from streaming.starts import service
from streaming.starts.request import StartRequest
from streaming.upkeep import rounds
from streaming.verify.session import verify
from tests.streaming.playing import durable, read_all, wait_until
from tests.streaming.rows import a_dataset, a_day, pin, update_run

DAY = dt.date(2013, 10, 7)
TRADES, QUOTES = DayKind.TRADES, DayKind.QUOTES


def events_at(kind: DayKind, price: float, flags: int = 0) -> TickColumns:
    """A day of an event every ten minutes, all at one price."""
    at = np.arange(0, 390 * 60, 600, dtype=np.int64) * 10**9
    values, codes = (
        np.full((len(KINDS[kind].values), len(at)), price),
        np.zeros((len(KINDS[kind].codes), len(at)), np.int32),
    )
    return TickColumns(kind, at, values, codes, np.full(len(at), flags, np.uint8))


def store(kind: DayKind, price: float, *symbols: str, flags: int = 0) -> None:
    """A version of each symbol's day."""
    rows = events_at(kind, price, flags)
    write_days(a_dataset().pk, [NewDay(pk, DAY, rows) for pk in ensure_instruments(list(symbols)).values()])


def start(*types: str, speed: float = 0.0) -> Session:
    request = StartRequest(("IBM",), DAY, DAY, types=types, speed=speed, dataset="paper", clock_step=60_000)
    return service.start(request).session


def announced(session: Session) -> list[str]:
    return [event.message for event in session.events.filter(kind="newer").order_by("id")]


def prices(session: Session) -> set[float]:
    frames = durable(read_all(session.pk))
    return {event["price"] for frame in frames for event in frame["events"] if event["type"] == "trade"}


@pytest.mark.django_db(transaction=True)
def test_a_running_session_plays_what_it_pinned_and_a_new_one_the_newer(player: Player) -> None:
    store(TRADES, 10.0, "IBM")
    undisturbed = start("ticks")
    session = start("ticks", speed=1200.0)
    wait_until(session, lambda row: row.run.clock and row.run.clock >= trading_day(DAY).open + dt.timedelta(minutes=20))
    store(TRADES, 11.0, "IBM")
    rounds.run()
    rounds.run()
    control.set_speed(session.pk, 0.0)
    assert prices(session) == {10.0}
    wait_until(session, lambda row: row.state == State.COMPLETED)
    assert announced(session) == [
        "2013-10-07: newer trades of IBM in the store (version 2); "
        "this session plays version 1, a new one or a restart plays the newer"
    ]
    assert durable(read_all(session.pk)) == durable(read_all(undisturbed.pk)) and verify(session.pk).problems == []
    assert announced(undisturbed) == [], "it had ended"
    assert prices(start("ticks")) == {11.0}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("held", "came"),
    [
        pytest.param(TRADES, QUOTES, id="quotes of a symbol with trades"),
        pytest.param(QUOTES, TRADES, id="trades of a symbol with quotes"),
    ],
)
def test_a_type_that_comes_under_a_running_session_is_reported_and_only_a_new_one_plays_it(
    player: Player, held: DayKind, came: DayKind
) -> None:
    store(held, 10.0, "IBM")
    undisturbed = start("ticks", "quotes")
    session = start("ticks", "quotes", speed=1200.0)
    wait_until(session, lambda row: row.run.clock and row.run.clock >= trading_day(DAY).open + dt.timedelta(minutes=20))
    store(came, 11.0, "IBM")
    for _ in range(2):
        rounds.run()
    control.seek(session.pk, trading_day(DAY).open)
    control.set_speed(session.pk, 0.0)
    wait_until(session, lambda row: row.state == State.COMPLETED)
    assert announced(session) == [
        f"2013-10-07: newer {came.label} of IBM in the store (version 1); "
        "this session plays none, a new one or a restart plays the newer"
    ]
    assert sent(session) == sent(undisturbed) == {SENT[held]}, "what was pinned as none stays none, also after a seek"
    assert [verify(row.pk).problems for row in (session, undisturbed)] == [[], []]
    assert sent(start("ticks", "quotes")) == {"trade", "quote"}


@pytest.mark.django_db(transaction=True)
def test_a_symbol_without_any_when_its_session_began_is_reported_when_they_come(player: Player) -> None:
    store(TRADES, 10.0, "AIG")
    for symbol in ("AIG", "IBM"):
        a_day(symbol, DAY)
    request = StartRequest(
        ("AIG", "IBM"), DAY, DAY, types=("bars", "ticks", "quotes"), speed=1200.0, dataset="paper", clock_step=60_000
    )
    session = service.start(request).session
    wait_until(session, lambda row: row.run.clock and row.run.clock >= trading_day(DAY).open + dt.timedelta(minutes=20))
    store(TRADES, 11.0, "IBM")
    store(QUOTES, 11.0, "IBM", "AIG")
    rounds.run()
    control.set_speed(session.pk, 0.0)
    wait_until(session, lambda row: row.state == State.COMPLETED)
    assert [message.partition(";")[0] for message in announced(session)] == [
        "2013-10-07: newer trades of IBM in the store (version 1)",
        "2013-10-07: newer quotes of AIG, IBM in the store (version 1)",
    ]
    assert prices(session) == {10.0} and verify(session.pk).problems == []


SENT = {TRADES: "trade", QUOTES: "quote"}


def sent(session: Session) -> set[str]:
    """The types of the events that a session has sent, of trades and quotes."""
    types = {event["type"] for frame in durable(read_all(session.pk)) for event in frame["events"]}
    return types & set(SENT.values())


def pinned(*types: str, number: int = 1, **versions: dict[str, int | None]) -> Session:
    """A session at noon as its worker left it, with the given pins."""
    session = Session.objects.create(
        dataset=a_dataset(), types=list(types), start_date=DAY, end_date=DAY, state=State.RUNNING
    )
    update_run(session, clock=trading_day(DAY).open + dt.timedelta(minutes=150))
    pin(session, number, DAY, **versions)
    return session


def current(kind: DayKind, *symbols: str) -> dict[str, int | None]:
    days = a_dataset().days.filter(kind=kind, current=True, instrument__symbol__in=symbols)
    return dict(days.values_list("instrument__symbol", "pk"))


@pytest.mark.django_db
def test_each_day_of_trades_or_quotes_is_reported_once_and_symbols_of_one_import_together() -> None:
    for kind in TICK_KINDS:
        store(kind, 10.0, "AIG", "IBM")
    session = pinned("ticks", "quotes", ticks=current(TRADES, "AIG", "IBM"), quotes=current(QUOTES, "AIG", "IBM"))
    rounds.run()
    assert announced(session) == []
    store(TRADES, 11.0, "AIG", "IBM")
    rounds.run()
    store(QUOTES, 11.0, "IBM")
    store(TRADES, 12.0, "AIG")
    rounds.run()
    assert [message.partition(" in the store")[0] for message in announced(session)] == [
        "2013-10-07: newer trades of AIG, IBM",
        "2013-10-07: newer quotes of IBM",
    ]
    event = session.events.filter(kind="newer").last()
    assert event and event.data == {"date": "2013-10-07", "type": "ticks", "symbols": {"AIG": 2, "IBM": 2}}


@pytest.mark.django_db
def test_what_was_pinned_as_none_is_reported_apart_from_what_has_a_newer_version() -> None:
    store(TRADES, 10.0, "AIG")
    session = pinned("ticks", ticks={**current(TRADES, "AIG"), "IBM": None, "NEWCO": None})
    rounds.run()
    assert announced(session) == [], "nobody has any of IBM and NEWCO yet"
    store(TRADES, 11.0, "AIG", "IBM")
    rounds.run()
    rounds.run()
    assert announced(session) == [
        "2013-10-07: newer trades of AIG in the store (version 2); "
        "this session plays version 1, a new one or a restart plays the newer",
        "2013-10-07: newer trades of IBM in the store (version 1); "
        "this session plays none, a new one or a restart plays the newer",
    ]


@pytest.mark.django_db
def test_only_the_sessions_own_dataset_date_and_types_are_news_to_it() -> None:
    session = pinned("ticks", ticks={"IBM": None})
    store(QUOTES, 10.0, "IBM")
    store(TRADES, 10.0, "AIG")
    rows = events_at(TRADES, 10.0)
    (pk,) = ensure_instruments(["IBM"]).values()
    write_days(a_dataset("other").pk, [NewDay(pk, DAY, rows)])
    write_days(a_dataset().pk, [NewDay(pk, DAY + dt.timedelta(days=1), rows)])
    write_days(a_dataset().pk, [NewDay(pk, DAY, rows, scope=Scope.EXTENDED)])
    rounds.run()
    assert announced(session) == []


@pytest.mark.django_db
def test_a_later_load_does_not_take_a_pinned_none_back() -> None:
    session = pinned("ticks", ticks={"IBM": None})
    store(TRADES, 10.0, "IBM")
    pin(session, 2, DAY, ticks=current(TRADES, "IBM"))
    rounds.run_one(session.pk)
    (message,) = announced(session)
    assert "this session plays none" in message


@pytest.mark.django_db
def test_recorded_quotes_are_newer_than_those_made_from_bars() -> None:
    store(QUOTES, 10.0, "IBM", flags=DERIVED)
    session = pinned("quotes", quotes=current(QUOTES, "IBM"))
    store(QUOTES, 10.5, "IBM")
    rounds.run_one(session.pk)
    (message,) = announced(session)
    assert "(version 1); this session plays version 1, made from bars, a new one" in message


@pytest.mark.django_db
def test_a_later_load_of_the_same_day_changes_no_pin() -> None:
    store(TRADES, 10.0, "IBM")
    session = pinned("ticks", ticks=current(TRADES, "IBM"))
    store(TRADES, 11.0, "IBM")
    pin(session, 2, DAY, ticks=current(TRADES, "IBM"))
    rounds.run_one(session.pk)
    assert len(announced(session)) == 1, "the first pin holds"


@pytest.mark.django_db
def test_it_asks_once_for_all_sessions_and_not_at_all_where_none_plays_trades_or_quotes() -> None:
    a_day("IBM", DAY)
    store(TRADES, 10.0, "IBM")
    bars = pinned("bars")
    assert asked() == 0
    for _ in range(3):
        pinned("ticks", ticks=current(TRADES, "IBM"))
    assert asked() == 1
    store(TRADES, 11.0, "IBM")
    rounds.run()
    assert asked() == 1 and SessionEvent.objects.filter(kind="newer").count() == 3 and announced(bars) == []


def asked() -> int:
    """How often a round asks for newer days of trades and quotes."""
    with CaptureQueriesContext(connection) as queries:
        rounds.run()
    return sum("LEFT JOIN marketdata_dayversion d" in query["sql"] for query in queries.captured_queries)
