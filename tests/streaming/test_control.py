"""Full control of a running session, through a real worker on real days."""

from __future__ import annotations

import datetime as dt
import threading

import pytest

from marketdata import calendar
from sessions import control
from sessions.control import ControlError
from sessions.models import ActiveStream, Run, Session, State, TransitionError
from sessions.redis_client import connection as redis_connection
from streaming.as_of.session_data import get_session_data
from streaming.base.db import connected
from streaming.engine.playing.player import Player
from streaming.starts import copies, service
from tests.streaming.playing import FIRST, LAST, durable, read_all, start, symbols_by_clock, utc, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paused(player: Player, real_days: str) -> Session:
    """A session that stands a few minutes after its first open."""
    session = start(speed=600.0)
    wait_until(session, lambda s: s.run.clock and s.run.clock >= utc(2, 13, 35))
    control.pause(session.pk)
    return wait_until(session, lambda s: s.state == State.PAUSED)


def finish(session: Session) -> Session:
    control.set_speed(session.pk, 0.0)
    control.resume(session.pk)
    return wait_until(session, lambda s: not s.is_live)


def test_a_step_runs_its_minutes_and_stands_again(paused: Session) -> None:
    clock = paused.run.clock
    assert clock is not None
    control.step(paused.pk, 3, by="test")
    wait_until(paused, lambda s: s.run.clock == clock + dt.timedelta(minutes=3))
    control.step(paused.pk)
    control.step(paused.pk)
    wait_until(paused, lambda s: s.run.clock == clock + dt.timedelta(minutes=5))
    assert (paused.state, paused.paused) == (State.PAUSED, True)


def test_a_step_waits_for_a_seek_that_is_on_its_way(paused: Session) -> None:
    Session.objects.filter(pk=paused.pk).update(seek_to=utc(7, 15))
    with pytest.raises(ControlError, match="being moved to 2025-07-07 11:00:00 New York: step once it is there"):
        control.step(paused.pk, 3)


def test_a_step_goes_over_the_night_and_the_last_one_completes(paused: Session) -> None:
    control.seek(paused.pk, utc(2, 19, 59))
    wait_until(paused, lambda s: s.run.generation == 2)
    control.step(paused.pk, 3)
    wait_until(paused, lambda s: s.run.clock == utc(3, 13, 32))
    control.step(paused.pk, 100_000)
    wait_until(paused, lambda s: s.state == State.COMPLETED)
    assert paused.run.clock == calendar.trading_day(LAST).close


def test_a_paused_session_stands_at_its_last_frame_until_it_is_resumed(paused: Session) -> None:
    control.seek(paused.pk, calendar.trading_day(LAST).close)
    wait_until(paused, lambda s: s.run.generation == 2)
    assert paused.state == State.PAUSED
    control.resume(paused.pk)
    wait_until(paused, lambda s: s.state == State.COMPLETED)


@pytest.mark.parametrize(
    ("to", "stands_at"),
    [
        pytest.param(utc(2, 15), utc(2, 15), id="forward in the day"),
        pytest.param(utc(2, 13, 31), utc(2, 13, 31), id="back in the day"),
        pytest.param(utc(7, 14, 30), utc(7, 14, 30), id="to another day"),
        pytest.param(utc(4, 15), utc(7, 13, 30), id="to a holiday, which is the next open"),
        pytest.param(utc(3, 2), utc(3, 13, 30), id="to the night, which is the next open"),
    ],
)
def test_a_seek_begins_a_new_generation_at_its_clock(paused: Session, to: dt.datetime, stands_at: dt.datetime) -> None:
    control.seek(paused.pk, to, by="test")
    wait_until(paused, lambda s: s.run.generation == 2)
    assert (paused.run.clock, paused.seek_to, paused.state) == (stands_at, None, State.PAUSED)
    date = calendar.session_date_of(stands_at)
    minutes = (stands_at - calendar.trading_day(date).open).total_seconds() / 60
    assert len(get_session_data(paused.pk).get_symbol_data("AAPL").bars_1m) == minutes
    finish(paused)
    frames = durable(read_all(paused.pk))
    left = [calendar.trading_day(d.date) for d in calendar.trading_days(date, LAST)]
    expected = sum(day.minutes + 1 for day in left) - minutes - 1
    assert len(frames) == expected
    assert {frame["id"].partition(".")[0] for frame in frames} == {"2"}
    redis_connection().flushdb()
    assert durable(read_all(paused.pk)) == frames, "re-derived frames are the published ones"


@pytest.mark.parametrize(
    ("to", "minutes"),
    [
        pytest.param(utc(2, 13, 30), 0, id="back to the open"),
        pytest.param(utc(2, 13, 32), 2, id="back in the day"),
        pytest.param(utc(2, 20), 390, id="forward to the close"),
        pytest.param(utc(7, 14, 30), 60, id="to another day"),
    ],
)
def test_where_a_seek_stands_no_row_says_what_was_or_will_be_at_another_clock(
    paused: Session, to: dt.datetime, minutes: int
) -> None:
    """Prices and counts of streams show what is known at the clock before another frame is played too."""
    control.step(paused.pk, 60)
    wait_until(paused, lambda s: s.run.clock and s.run.clock > utc(2, 14, 30))
    ActiveStream.objects.filter(session=paused).update(quality=0.5)  # of the hour that was played
    control.seek(paused.pk, to)
    wait_until(paused, lambda s: s.run.generation == 2)
    bars = get_session_data(paused.pk).get_symbol_data("AAPL").bars_1m
    row = ActiveStream.objects.get(session=paused, instrument__symbol="AAPL")
    price = bars[-1]["close"] if minutes else None
    assert (row.expected, row.present, row.last_price, row.quality) == (minutes, minutes, price, None)
    assert paused.state == State.PAUSED


def test_a_seek_outside_the_window_names_the_window(paused: Session) -> None:
    with pytest.raises(ControlError, match="2025-07-02 09:30 New York to 2025-07-07 16:00 New York"):
        control.seek(paused.pk, utc(9, 15))


def test_a_seek_while_running_holds_the_market_and_goes_on(paused: Session) -> None:
    control.resume(paused.pk)
    control.seek(paused.pk, utc(3, 14))
    with pytest.raises(ControlError, match=r"moved to 2025-07-03 10:00:00 New York already|changes nothing"):
        control.seek(paused.pk, utc(3, 15))
        control.resume(paused.pk)
    wait_until(paused, lambda s: s.run.clock and s.run.clock > utc(3, 14, 1))
    assert paused.state == State.RUNNING


def test_a_lease_lost_in_a_later_generation_loses_nothing(
    paused: Session,
) -> None:
    control.seek(paused.pk, utc(3, 14))
    wait_until(paused, lambda s: s.run.generation == 2)
    twin = copies.fork(paused.pk)
    service.open_streams(twin, service.quiet)
    finish(twin)
    control.set_speed(paused.pk, 3000.0)
    control.resume(paused.pk)
    wait_until(paused, lambda s: s.run.clock and s.run.clock > utc(3, 14, 30))
    Run.objects.filter(pk=paused.pk).update(epoch=99, lease_renewed_at=None)
    control.set_speed(paused.pk, 0.0)
    wait_until(paused, lambda s: s.state == State.COMPLETED)
    ours, theirs = durable(read_all(paused.pk)), durable(read_all(twin.pk))
    assert [f["events"] for f in ours] == [f["events"] for f in theirs]
    assert len({f["id"] for f in ours}) == len(ours) == 180 + 391


def test_an_added_symbol_comes_after_the_clock_and_a_removed_one_goes(paused: Session) -> None:
    at = paused.run.clock
    assert at is not None
    control.add_symbols(paused.pk, ["ibm", "AAPL"], by="test")
    wait_until(paused, lambda s: s.active_symbols() == ["AAPL", "IBM", "MSFT"])
    control.remove_symbols(paused.pk, ["MSFT"])
    wait_until(paused, lambda s: s.active_symbols() == ["AAPL", "IBM"])
    finish(paused)
    frames = read_all(paused.pk)
    clock = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    came = symbols_by_clock(frames)
    until = [symbols for when, symbols in came.items() if when <= clock][1:]
    since = [symbols for when, symbols in came.items() if when > clock]
    assert all(symbols == ["AAPL", "MSFT"] for symbols in until)
    assert {symbol for symbols in since for symbol in symbols} == {"AAPL", "IBM"}
    assert sum("IBM" in symbols for symbols in since) > 900
    redis_connection().flushdb()
    assert durable(read_all(paused.pk)) == durable(frames)


def test_a_symbol_removed_after_the_next_day_was_loaded_is_removed_once(paused: Session) -> None:
    control.seek(paused.pk, utc(2, 19, 50))
    wait_until(paused, lambda s: s.run.generation == 2 and len(s.run.days_held) == 2)
    control.remove_symbols(paused.pk, ["MSFT"])
    wait_until(paused, lambda s: s.active_symbols() == ["AAPL"])
    control.step(paused.pk, 30)
    wait_until(paused, lambda s: s.run.clock and s.run.clock > utc(3, 13, 35))
    assert paused.journal.filter(kind="remove").count() == 1


def test_what_cannot_be_added_or_removed_is_named(paused: Session) -> None:
    with pytest.raises(ControlError, match="has no bars of ZZZ on 2025-07-02"):
        control.add_symbols(paused.pk, ["ZZZ"])
    with pytest.raises(ControlError, match="has no IBM: it has AAPL, MSFT"):
        control.remove_symbols(paused.pk, ["IBM"])
    with pytest.raises(ControlError, match="needs a symbol"):
        control.remove_symbols(paused.pk, ["AAPL", "MSFT"])


def test_a_fork_plays_on_from_the_same_clock_as_the_original(paused: Session) -> None:
    fork = copies.fork(paused.pk, by="test")
    service.open_streams(fork, service.quiet)
    wait_until(fork, lambda s: s.state == State.PAUSED)
    assert (fork.run.clock, fork.forked_from) == (paused.run.clock, paused)
    finish(fork)
    finish(paused)
    clock = f"{fork.start_at:%Y-%m-%dT%H:%M:%SZ}"
    rest = [frame["events"] for frame in durable(read_all(paused.pk)) if frame["clock"] > clock]
    assert [frame["events"] for frame in durable(read_all(fork.pk))] == rest


def test_a_session_that_has_ended_is_gone_back_into(paused: Session) -> None:
    finish(paused)
    at = utc(3, 14, 30)
    with pytest.raises(ControlError, match="fork it at that time to go on from there, or restart it to play it again"):
        control.seek(paused.pk, at)
    with pytest.raises(ControlError, match="say at which earlier time its fork is to begin"):
        copies.fork(paused.pk)
    fork = copies.fork(paused.pk, at, by="test")
    service.open_streams(fork, service.quiet)
    wait_until(fork, lambda s: s.state == State.PAUSED)
    assert fork.run.clock == fork.start_at == at
    finish(fork)
    rest = [frame["events"] for frame in durable(read_all(paused.pk)) if frame["clock"] > "2025-07-03T14:30:00Z"]
    assert [frame["events"] for frame in durable(read_all(fork.pk))] == rest


def test_a_fork_begins_nowhere_that_its_origin_has_not_been(paused: Session) -> None:
    for at, says in ((utc(3, 14), "not at 2025-07-03 10:00:00 New York or later"), (utc(1, 14), "outside session")):
        with pytest.raises(ControlError, match=says):
            copies.fork(paused.pk, at)
    earlier = copies.fork(paused.pk, utc(2, 13, 32))
    assert (earlier.start_at, earlier.paused) == (utc(2, 13, 32), True)


def test_a_restart_plays_the_same_again_from_the_start(paused: Session) -> None:
    again = copies.restart(paused.pk, by="test")
    service.open_streams(again, service.quiet)
    finish(paused)
    control.set_speed(again.pk, 0.0)
    wait_until(again, lambda s: s.state == State.COMPLETED)
    assert (again.start_date, again.end_date, again.run.chain) == (FIRST, LAST, paused.run.chain)


def test_illegal_transitions_name_both_states(paused: Session) -> None:
    with pytest.raises(ControlError, match="is paused: pause changes nothing"):
        control.pause(paused.pk)
    control.resume(paused.pk)
    with pytest.raises(ControlError, match="pause it first"):
        control.step(paused.pk)
    control.stop(paused.pk)
    wait_until(paused, lambda s: s.state == State.STOPPED)
    with pytest.raises(TransitionError, match="is stopped: it cannot become paused"):
        control.pause(paused.pk)


def test_of_two_people_pressing_at_once_one_wins_and_the_other_is_reported(paused: Session) -> None:
    reported: list[str] = []

    def press() -> None:
        with connected():
            try:
                control.resume(paused.pk)
                reported.append("resumed")
            except ControlError as error:
                reported.append(str(error))

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reported) == [f"Session {paused.pk} is {State.RUNNING}: resume changes nothing.", "resumed"]
