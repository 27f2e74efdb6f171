"""Whatever is done to a session, in whatever order: its run is what its journal and the store give."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketdata import store
from marketdata.models import DayVersion
from marketdata.store import NewDay
from sessions import control
from sessions.control import ControlError
from sessions.models import Session, State, TransitionError
from streaming.upkeep import rounds
from streaming.verify.session import verify
from tests.faults.judge import what_was_published
from tests.faults.listener import heard_in
from tests.streaming.playing import durable, read_all, start, wait_until
from tests.workers import Player

pytestmark = pytest.mark.django_db(transaction=True)
symbols = st.sampled_from(["AAPL", "IBM", "MSFT"])
moments = st.builds(
    lambda day, minute: dt.datetime(2025, 7, day, 13, 30, tzinfo=dt.UTC) + dt.timedelta(minutes=minute),
    st.sampled_from([2, 3, 7]),
    st.integers(0, 380),
)
actions = st.one_of(
    st.tuples(st.just("add"), symbols),
    st.tuples(st.just("remove"), symbols),
    st.tuples(st.just("seek"), moments),
    st.tuples(st.just("fill"), st.tuples(symbols, st.sampled_from(["2025-07-02", "2025-07-03", "2025-07-07"]))),
    st.tuples(st.just("beat"), st.just("")),
    st.tuples(st.just("kill"), st.just("")),
    st.tuples(st.just("step"), st.integers(1, 500)),
)
pauses = st.floats(0, 0.15)


def act(player: Player, session: Session, what: str, given: object) -> None:
    """One thing that people, upkeep or fate do to a session; refusals are part of it."""
    with suppress(ControlError):
        if what == "add":
            control.add_symbols(session.pk, [str(given)])
        elif what == "remove":
            control.remove_symbols(session.pk, [str(given)])
        elif what == "seek" and isinstance(given, dt.datetime):
            control.seek(session.pk, given)
        elif what == "step" and isinstance(given, int):
            control.pause(session.pk)
            control.step(session.pk, given)
        elif what == "fill" and isinstance(given, tuple):
            fill(*given)
        elif what == "beat":
            rounds.run_one(session.pk)
        elif what == "kill" and session.pk in player.playing:
            # No last word to Postgres: the position is that of the last checkpoint.
            player.playing[session.pk].lease.lost = True
            player.playing[session.pk].ask()


def fill(symbol: str, date: str) -> None:
    """A new version of a day, with its first close changed: upkeep announces it, and it is admitted where it plays."""
    days = DayVersion.objects.filter(instrument__symbol=symbol, date=date, scope="regular", interval="1m")
    day = store.load_versions([days.get(current=True).pk])[symbol]
    close = day.bars.close.copy()
    close[0] = day.bars.low[0] if close[0] != day.bars.low[0] else day.bars.high[0]
    store.write_days(
        days[0].dataset_id, [NewDay(day.instrument_id, days[0].date, dataclasses.replace(day.bars, close=close))]
    )


@pytest.mark.timeout(400)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(actions, pauses), min_size=2, max_size=8))
def test_a_run_is_what_its_journal_gives_whatever_happened(
    player: Player, real_days: str, happens: list[tuple[tuple[str, object], float]]
) -> None:
    session = start("AAPL", "MSFT", speed=9000.0)
    for (what, how), pause in happens:
        act(player, session, what, how)
        time.sleep(pause)
    with suppress(ControlError):
        control.set_speed(session.pk, 0.0)
    with suppress(ControlError, TransitionError):  # it may have ended by then
        control.resume(session.pk)
    wait_until(session, lambda s: not s.is_live)
    assert (session.state, session.reason) == (State.COMPLETED, "")
    assert verify(session.pk).problems == []
    heard = [heard_in(frame) for frame in durable(read_all(session.pk))]
    assert heard == what_was_published(session, session.run.generation)
