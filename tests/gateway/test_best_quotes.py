"""One-sided quotes as the best bid and offer: for the latest, for snapshots and on the socket; raw in history."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gateway.data import best_quotes, snapshots
from gateway.data.best_quotes import BestQuotes
from gateway.data.day_cache import Days
from gateway.data.page_tokens import Span
from gateway.data.trades_quotes import Ticks
from gateway.sockets.frame_messages import trade_events
from marketdata import calendar
from marketdata.columns import TickColumns
from marketdata.kinds import DayKind
from marketdata.models import CHUNK_ROWS, QuotesOf, Scope
from marketdata.store import NewDay, write_days
from marketdata.units import SECOND_NS
from sessions.models import Session
from streaming.engine.frames.tick_blocks import TickBlock
from tests.streaming.rows import DAY, a_session

pytestmark = pytest.mark.django_db
NAN = float("nan")
OPEN = int(calendar.trading_day(DAY).open.timestamp()) * SECOND_NS
WORDS = ("", "P", "Q", "N", "1")
Row = tuple[float, float, float, float, float, str]
"""Seconds from the open, bid and size, ask and size, exchange."""
ONE_SIDED: list[Row] = [
    (1, 99.9, 300, NAN, NAN, "P"),
    (2, NAN, NAN, 100.2, 400, "Q"),
    (3, NAN, NAN, 100.1, 100, "P"),
    (3, 99.95, 200, NAN, NAN, "Q"),
    (10, 99.8, 500, NAN, NAN, "Q"),
    (20, NAN, NAN, 0, 0, "P"),
]


def columns(rows: list[Row]) -> TickColumns:
    at = np.array([int(row[0] * SECOND_NS) for row in rows], np.int64)
    codes = np.array([[WORDS.index(row[5])] * 2 + [4] for row in rows], np.int32).T
    values = np.array([row[1:5] for row in rows], np.float64).T
    return TickColumns(DayKind.QUOTES, at, values, codes, np.zeros(len(rows), np.uint8), WORDS)


def quoted(rows: list[Row], of: str = QuotesOf.CONSOLIDATED, early: list[Row] | None = None) -> Session:
    session = a_session("AAPL", types=["bars", "quotes"])
    session.dataset.quotes = of
    session.dataset.save()
    instrument = session.streams.get().instrument_id
    write_days(session.dataset_id, [NewDay(instrument, DAY, columns(rows))])
    if early:
        write_days(session.dataset_id, [NewDay(instrument, DAY, columns(early), scope=Scope.EXTENDED)])
    return session


def latest(session: Session, second: float) -> tuple[Any, ...] | None:
    found = best_quotes.latest(Ticks(session, OPEN + int(second * SECOND_NS), "quotes"), ["AAPL"]).get("AAPL")
    return found and tuple(found[name] for name in ("bp", "bs", "bx", "ap", "as", "ax"))


def sent(session: Session, *blocks: list[Row]) -> list[tuple[Any, ...]]:
    market, found = BestQuotes(session), []
    for rows in blocks:
        block = TickBlock.of([("AAPL", columns(rows))], OPEN, False)
        if market.lacks(block):
            market.begin(block)
        found += [(at - OPEN, body["bp"], body["ap"]) for at, _, body in market.events(block)]
    return [(at / SECOND_NS, bid, ask) for at, bid, ask in found]


@pytest.mark.parametrize(
    ("second", "of", "expected"),
    [
        (1, QuotesOf.CONSOLIDATED, (99.9, 300, "P", 0.0, 0, "")),
        (2, QuotesOf.CONSOLIDATED, (99.9, 300, "P", 100.2, 400, "Q")),
        (3, QuotesOf.CONSOLIDATED, (99.95, 200, "Q", 100.1, 100, "P")),
        (15, QuotesOf.CONSOLIDATED, (99.8, 500, "Q", 100.1, 100, "P")),
        (20, QuotesOf.CONSOLIDATED, (99.8, 500, "Q", 0.0, 0, "")),
        (3, QuotesOf.EXCHANGE, (99.95, 200, "Q", 100.1, 100, "P")),
        (15, QuotesOf.EXCHANGE, (99.9, 300, "P", 100.1, 100, "P")),
        (20, QuotesOf.EXCHANGE, (99.9, 300, "P", 100.2, 400, "Q")),
    ],
)
def test_the_latest_quote_has_both_sides_as_orders_meet_them(second: float, of: str, expected: Any) -> None:
    assert latest(quoted(ONE_SIDED, of), second) == expected


def test_history_has_the_quotes_as_they_came() -> None:
    session = quoted(ONE_SIDED)
    ticks = Ticks(session, OPEN + 60 * SECOND_NS, "quotes")
    raw = ticks.read("AAPL", ticks.rows(["AAPL"], DAY, DAY)["AAPL"], Span(0, ticks.as_of, False, 100)).rows
    assert [(row["bp"], row["ap"]) for row in raw] == [
        *((99.9, 0), (0, 100.2), (0, 100.1), (99.95, 0), (99.8, 0), (0, 0)),
    ]
    assert raw[0]["c"] == ["R"], "LEAN's mask of a regular quote"


def test_an_exchanges_quote_counts_for_a_minute() -> None:
    session = quoted([(1, 99.9, 300, 100.2, 100, "P"), (62, 99.8, 100, 100.3, 100, "Q")], QuotesOf.EXCHANGE)
    assert latest(session, 62) == (99.8, 100, "Q", 100.3, 100, "Q")


@pytest.mark.parametrize("of", list(QuotesOf))
def test_what_stood_before_the_open_does_not_stand_at_it(of: str) -> None:
    session = quoted([(1, 99.9, 300, NAN, NAN, "P")], of, early=[(-5, 99.0, 1, 101.0, 1, "Q")])
    assert latest(session, 0) == (99.0, 1, "Q", 101.0, 1, "Q")
    assert latest(session, 1) == (99.9, 300, "P", 0.0, 0, "")
    assert sent(session, [(1, 99.9, 300, NAN, NAN, "P")]) == [(1, 99.9, 0.0)]


def test_a_socket_that_comes_late_has_both_sides_from_its_first_quote_on() -> None:
    session = quoted(ONE_SIDED)
    assert sent(session, ONE_SIDED[4:5], ONE_SIDED[5:]) == [(10, 99.8, 100.1), (20, 99.8, 0.0)]


def test_an_instants_rows_are_one_quote_and_whole_ones_each_their_own() -> None:
    session = quoted(ONE_SIDED)
    assert sent(session, ONE_SIDED[:4]) == [(1, 99.9, 0.0), (2, 99.9, 100.2), (3, 99.95, 100.1)]
    whole: list[Row] = [(30, 99.9, 1, 100.0, 1, "P"), (30, 99.9, 1, 100.1, 1, "Q")]
    assert sent(session, whole) == [(30, 99.9, 100.0), (30, 99.9, 100.1)]


def test_a_snapshot_has_the_same_quote() -> None:
    days = Days(quoted(ONE_SIDED), OPEN + 15 * SECOND_NS)
    days.as_of = OPEN + 600 * SECOND_NS
    quote = snapshots.snapshots(days, ["AAPL"])["AAPL"]["latestQuote"]
    assert (quote["bp"], quote["ap"], quote["t"]) == (99.8, 0.0, f"{DAY}T14:30:20Z")
    assert quote == snapshots.latest_ticks(days, "quotes", ["AAPL"])["AAPL"]


def test_a_trades_id_is_the_same_on_every_page_and_on_the_socket() -> None:
    """Four trades at one instant, the first two in another chunk of the store than the others."""
    session = a_session("AAPL", types=["bars", "ticks"])
    size = CHUNK_ROWS + 3
    at = np.concatenate([np.arange(CHUNK_ROWS - 2), [CHUNK_ROWS] * 4, [CHUNK_ROWS + 1]]).astype(np.int64)
    values, nothing = np.full((2, size), 100.0), np.zeros((2, size), np.int32)
    trades = TickColumns(DayKind.TRADES, at, values, nothing, np.zeros(size, np.uint8))
    write_days(session.dataset_id, [NewDay(session.streams.get().instrument_id, DAY, trades)])
    ticks = Ticks(session, OPEN + 60 * SECOND_NS, "trades")
    days = ticks.rows(["AAPL"], DAY, DAY)["AAPL"]

    def ids(descending: bool, most: int) -> list[int]:
        return [row["i"] for row in ticks.read("AAPL", days, Span(0, ticks.as_of, descending, most)).rows]

    block = TickBlock.of([("AAPL", trades)], OPEN, False)
    assert len(set(ids(False, size))) == size
    assert ids(False, size) == ids(True, size)[::-1] == [body["i"] for _, _, body in trade_events(block)]
    assert ids(True, 3) == ids(True, size)[:3]
