"""`verify_session` and `diff_sessions` on runs of a real worker: what is true passes, and every tampering is found."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from marketdata.models import DayVersion
from sessions import control
from sessions.models import DayMark, Run, Session
from sessions.redis_client import connection as redis_connection
from streaming.engine.playing.player import Player
from streaming.engine.publishing.bus import published, stream_key
from streaming.engine.tape.merge import Tape
from streaming.starts import service
from streaming.starts.request import StartRequest
from streaming.verify import session as verifying
from streaming.verify.diff import diff
from streaming.verify.session import verify
from tests.marketdata.days import bars_of, change_bars
from tests.streaming.playing import FIRST, LAST, SYMBOLS, await_clock, read_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def played(player: Player, real_days: str) -> Session:
    """Three real days of two symbols, played to the end."""
    return play()


def play(symbols: tuple[str, ...] = SYMBOLS, until: dt.date = LAST) -> Session:
    session = service.start(StartRequest(symbols, FIRST, until, speed=0.0)).session
    read_all(session.pk)
    session.refresh_from_db()
    return session


def tamper(symbol: str, date: dt.date, minute: int, column: str, value: float) -> None:
    """Change one number of a stored day, behind the store's back."""
    day = DayVersion.objects.get(instrument__symbol=symbol, date=date, scope="regular", interval="1m", current=True)
    bars = bars_of(day)
    values = getattr(bars, column).copy()
    values[minute] = value
    change_bars(day, dataclasses.replace(bars, **{column: values}))


def test_a_run_is_what_its_journal_and_the_store_give(played: Session) -> None:
    found = verify(played.pk)
    assert found.problems == []
    (made,) = found.generations
    assert (made["frames"], made["days"], made["chain"]) == (391 + 211 + 391, 3, played.run.chain)
    assert found.published == len(list(published(played.pk, 1))) > 0
    assert len(found.cuts) == 5 and all(cut["identical"] for cut in found.cuts)


def test_a_run_without_its_redis_stream_is_verified_all_the_same(played: Session) -> None:
    redis_connection().flushdb()
    found = verify(played.pk)
    assert (found.ok, found.published) == (True, 0)


def test_a_session_is_verified_while_it_runs(player: Player, real_days: str) -> None:
    session = service.start(StartRequest(SYMBOLS, FIRST, LAST, speed=600.0)).session
    await_clock(session, dt.datetime(2025, 7, 2, 13, 50, tzinfo=dt.UTC))
    found = verify(session.pk)
    assert found.problems == []
    assert found.generations[0]["frames"] >= 21
    control.stop(session.pk)


def test_a_changed_price_in_the_store_is_found(played: Session) -> None:
    tamper("MSFT", dt.date(2025, 7, 3), 100, "close", 1.0)
    problems = " ".join(verify(played.pk).problems)
    assert "on the session's row" in problems
    assert "Before 2025-07-07 the chain is" in problems, "the day after the change begins elsewhere"
    assert "Before 2025-07-03" not in problems, "the days until then do not"


def test_a_changed_chain_on_the_row_is_found(played: Session) -> None:
    Run.objects.filter(pk=played.pk).update(chain="0" * 64)
    (problem,) = verify(played.pk).problems
    assert problem.endswith(f"on the session's row {'0' * 64}.")


def test_a_changed_frame_in_redis_is_found(played: Session) -> None:
    key = stream_key(played.pk, 1)
    ((entry, fields),) = redis_connection().xrevrange(key, count=1)  # type: ignore[misc]
    redis_connection().xdel(key, entry)
    body = fields[b"b"][:-1] + b"\x07"
    later = f"{int(entry.split(b'-')[0]) + 1}-0"
    redis_connection().xadd(key, {"b": body, "h": fields[b"h"]}, id=later)
    (problem,) = verify(played.pk).problems
    assert problem == f"Frame 1.{later} is in Redis, but journal and store give none."


def test_a_forgotten_beginning_of_a_day_is_found(played: Session) -> None:
    DayMark.objects.filter(session=played, date="2025-07-03").delete()
    assert verify(played.pk).problems == ["Generation 1 played 2025-07-03 without noting its beginning."]


class PeekingTape(Tape):
    """A merge that tells every minute what the day's last close will be."""

    def __init__(self, day: Any, bars: Any, *rest: Any) -> None:
        peeked = {
            symbol: dataclasses.replace(columns, vwap=np.full(len(columns), columns.close[-1] if len(columns) else 0))
            for symbol, columns in bars.items()
        }
        super().__init__(day, peeked, *rest)


def test_an_engine_that_looks_ahead_is_found(played: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streaming.engine.days.loading.Tape", PeekingTape)
    found = verify(played.pk)
    # Of the five instants only the last is the end of its day, where there is nothing left to look ahead to.
    assert [cut["identical"] for cut in found.cuts] == [False] * 4 + [True]
    assert any(problem.startswith("Look-ahead:") for problem in found.problems)


def test_bars_shown_at_another_minute_than_their_end_are_found(
    played: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = verifying.decode

    def decode(frame_id: Any, body: bytes, chain: str) -> Any:
        frame = late(frame_id, body, chain)
        blocks = [dataclasses.replace(block, end_ms=block.end_ms + 60_000) for block in frame.blocks]
        return dataclasses.replace(frame, blocks=blocks)

    monkeypatch.setattr(verifying, "decode", decode)
    assert "has at 2025-07-02T13:31:00Z bars that are known at 2025-07-02T13:32:00Z" in verify(played.pk).problems[0]


def test_the_command_tells_a_person_and_a_program(played: Session) -> None:
    out = StringIO()
    call_command("verify_session", played.pk, stdout=out)
    assert f"✓ Session {played.pk} (completed) is verified: chain {played.run.chain}" in out.getvalue()
    out = StringIO()
    call_command("verify_session", played.pk, "--json", stdout=out)
    assert json.loads(out.getvalue())["ok"] is True
    Run.objects.filter(pk=played.pk).update(chain="0" * 64)
    with pytest.raises(CommandError, match="is not what its journal and the store give"):
        call_command("verify_session", played.pk, stdout=StringIO())
    with pytest.raises(CommandError, match="There is no session 999999"):
        call_command("verify_session", 999999)


def test_two_runs_of_one_recipe_are_equal(played: Session) -> None:
    found = diff(played.pk, play().pk)
    assert (found.equal, found.compared, found.details) == (True, 993, [])


def test_the_first_differing_minute_and_what_differs_are_named(played: Session) -> None:
    """One close of the second day is another in the second run: its minute, and the 5m and 15m bars later on."""
    last = DayVersion.objects.latest("pk").pk
    copy_of_day("MSFT", dt.date(2025, 7, 3), 100, 777.25)
    assert DayVersion.objects.latest("pk").pk > last
    other = play()
    found = diff(played.pk, other.pk)
    # Minute 100 after 09:30 is 11:10 in New York; its bar is known at 11:11, 15:11 UTC.
    assert (found.equal, found.compared, found.clock) == (False, 391 + 101, "2025-07-03T15:11:00Z")
    payload = {(d["symbol"], d["interval"], d["start"], d["field"]): d["b"] for d in found.details}
    assert payload == {
        ("MSFT", "1m", "2025-07-03T15:10:00Z", "close"): 777.25,
        ("MSFT", "1m", "2025-07-03T15:10:00Z", "high"): 777.25,
    }
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("diff_sessions", played.pk, other.pk, stdout=out)
    assert "differ at 2025-07-03T15:11:00Z" in out.getvalue()
    assert f"bar MSFT 1m 2025-07-03T15:10:00Z close: {found.details[0]['a']} in session {played.pk}" in out.getvalue()


def test_a_symbol_that_only_one_run_has_is_named(played: Session) -> None:
    other = play(("AAPL",))
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("diff_sessions", played.pk, other.pk, "--json", stdout=out)
    report = json.loads(out.getvalue())
    assert (report["first_difference"], report["frames_compared"]) == ("2025-07-02T13:31:00Z", 1)
    assert report["details"][0] | {} == {
        "what": "bar",
        "symbol": "MSFT",
        "interval": "1m",
        "start": "2025-07-02T13:30:00Z",
        "a": True,
        "b": False,
    }


def test_a_run_that_ends_earlier_differs_after_its_end(played: Session) -> None:
    found = diff(played.pk, play(until=FIRST).pk)
    assert (found.equal, found.compared, found.clock) == (False, 391, "2025-07-03T13:30:00Z")


def copy_of_day(symbol: str, date: dt.date, minute: int, close: float) -> None:
    """A new current version of a stored day, with one close changed."""
    from marketdata import store
    from marketdata.store import NewDay

    day = DayVersion.objects.get(instrument__symbol=symbol, date=date, scope="regular", interval="1m", current=True)
    stored = store.load_versions([day.pk])[symbol]
    closes, highs = stored.bars.close.copy(), stored.bars.high.copy()
    closes[minute] = highs[minute] = close
    bars = dataclasses.replace(stored.bars, close=closes, high=highs)
    store.write_days(day.dataset_id, [NewDay(stored.instrument_id, date, bars)])
