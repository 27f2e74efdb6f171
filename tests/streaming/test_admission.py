"""Corrections of real days that arrive while they are played: through the journal, into every reader's frames."""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from marketdata import store
from marketdata.calendar import trading_day
from marketdata.columns import BarColumns
from marketdata.models import Dataset, DayVersion
from marketdata.store import NewDay
from sessions import control
from sessions.models import Session, State
from sessions.redis_client import connection as redis_connection
from streaming.as_of.session_data import get_session_data
from streaming.engine.playing.player import LOADERS, Player
from streaming.engine.publishing.bus import stream_key
from streaming.starts import copies, service
from streaming.starts.request import StartRequest
from streaming.upkeep import rounds
from streaming.verify.session import verify
from tests.marketdata.days import bars_of
from tests.streaming.playing import FIRST, durable, read_all, utc, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
DAY = trading_day(FIRST)
MINUTE = dt.timedelta(minutes=1)
WRONG, LATE = 3, 200
"""Minutes that a correction changes: one that is out by then, and one that is not."""


def play(**options: Any) -> Session:
    request = StartRequest(("AAPL", "MSFT"), FIRST, FIRST, dataset="exthours_2025", **options)
    return service.start(request).session


@pytest.fixture
def paused(player: Player, real_days: str) -> Session:
    """A session of one day that stands a few minutes after its open."""
    session = play(speed=600.0)
    wait_until(session, lambda s: s.run.clock and s.run.clock >= DAY.open + 5 * MINUTE)
    control.pause(session.pk)
    return wait_until(session, lambda s: s.state == State.PAUSED)


def correct(price: float, *, known_at: dt.datetime | None = None, symbol: str = "AAPL") -> BarColumns:
    """A new version of the day, in which both minutes closed at that price."""
    dataset = Dataset.objects.get(name="exthours_2025")
    stored = store.load_day(dataset.pk, FIRST, [symbol])[symbol]
    rows = np.isin(stored.bars.offset // 60, [WRONG, LATE])
    close = np.where(rows, price, stored.bars.close)
    bars = replace(stored.bars, close=close, high=np.maximum(stored.bars.high, close))
    store.write_days(dataset.pk, [NewDay(stored.instrument_id, FIRST, bars, known_at=known_at)])
    return bars


def admit(session: Session) -> Session:
    """What beat does within a minute."""
    before = session.events.filter(kind="admit").count()
    rounds.run_one(session.pk)
    return wait_until(session, lambda s: s.events.filter(kind="admit").count() > before)


def finish(session: Session) -> list[dict[str, Any]]:
    """Play to the end; all durable frames, whose proof holds."""
    control.set_speed(session.pk, 0.0)
    if session.paused:
        control.resume(session.pk)
    wait_until(session, lambda s: not s.is_live)
    assert session.state == State.COMPLETED, session.reason
    proof = verify(session.pk)
    assert proof.ok, proof.problems
    return durable(read_all(session.pk))


def events_of(frames: list[dict[str, Any]], kind: str, interval: str = "1m") -> list[tuple[str, dict[str, Any]]]:
    """(clock of the frame, event) of AAPL."""
    return [
        (frame["clock"], event)
        for frame in frames
        for event in frame["events"]
        if event["type"] == kind and event["interval"] == interval and event["symbol"] == "AAPL"
    ]


def stamp(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def test_a_correction_in_mid_run_is_a_revision_in_the_next_frame_and_later_bars_are_right(paused: Session) -> None:
    clock = paused.run.clock
    assert clock is not None
    corrected = correct(300.0)
    admit(paused)
    frames = finish(paused)
    ((at, event),) = events_of(frames, "revision")
    assert at == stamp(clock + MINUTE)
    assert (event["start"], event["close"], event["version"]) == (stamp(DAY.open + WRONG * MINUTE), 300.0, 2)
    ((_, five),) = events_of(frames, "revision", "5m")
    assert (five["start"], five["high"]) == (stamp(DAY.open), 300.0)
    bars = [event for _, event in events_of(frames, "bar")]
    assert len(bars) == 390 and bars[LATE]["close"] == 300.0
    assert [bar["close"] for bar in bars if bar["start"] != stamp(DAY.open + WRONG * MINUTE)] == [
        close for minute, close in enumerate(corrected.close) if minute != WRONG
    ]


def test_frames_that_redis_lost_are_made_again_with_their_revisions(paused: Session) -> None:
    correct(300.0)
    admit(paused)
    frames = finish(paused)
    redis_connection().delete(stream_key(paused.pk, 1))
    assert durable(read_all(paused.pk)) == frames


def test_what_a_session_shows_is_right_from_the_frame_on_that_tells_it(paused: Session) -> None:
    before = get_session_data(paused.pk).bars("AAPL")[WRONG]["close"]
    correct(300.0)
    admit(paused)
    assert get_session_data(paused.pk).bars("AAPL")[WRONG]["close"] == before
    clock = paused.run.clock
    control.step(paused.pk)
    wait_until(paused, lambda s: s.run.clock != clock)
    assert get_session_data(paused.pk).bars("AAPL")[WRONG]["close"] == 300.0


def test_corrections_one_after_the_other_each_come_once(paused: Session) -> None:
    correct(300.0)
    admit(paused)
    control.step(paused.pk)
    correct(301.0)
    correct(302.0)
    admit(paused)
    rounds.run_one(paused.pk)
    frames = finish(paused)
    assert [event["close"] for _, event in events_of(frames, "revision")] == [300.0, 302.0]
    assert paused.journal.filter(kind="admit").count() == 2


def test_after_a_seek_the_corrected_day_is_played_from_the_start_with_nothing_to_revise(paused: Session) -> None:
    corrected = correct(300.0)
    admit(paused)
    control.step(paused.pk, 2)
    control.seek(paused.pk, DAY.open)
    wait_until(paused, lambda s: s.run.generation == 2)
    frames = finish(paused)
    assert not events_of(frames, "revision")
    assert [event["close"] for _, event in events_of(frames, "bar")] == corrected.close.tolist()


def test_a_seek_while_the_corrected_day_still_loads_plays_it_too(paused: Session, player: Player) -> None:
    corrected, free = correct(300.0), threading.Event()
    for _ in range(LOADERS):
        player.loader.submit(free.wait, 30)
    admit(paused)
    control.seek(paused.pk, DAY.open)
    wait_until(paused, lambda s: s.run.generation == 2 or s.events.filter(kind="seek").exists())
    free.set()
    wait_until(paused, lambda s: s.run.generation == 2)
    frames = finish(paused)
    assert not events_of(frames, "revision")
    assert [event["close"] for _, event in events_of(frames, "bar")] == corrected.close.tolist()


def test_a_fork_plays_what_its_original_has_come_to_play(paused: Session) -> None:
    correct(300.0)
    admit(paused)
    clock = paused.run.clock
    control.step(paused.pk)
    wait_until(paused, lambda s: s.run.clock != clock)
    copy = copies.fork(paused.pk)
    started = service.open_streams(copy, service.quiet).session
    assert get_session_data(started.pk).bars("AAPL")[WRONG]["close"] == 300.0
    assert events_of(finish(started), "bar")[-1][0] == stamp(DAY.close)


def test_a_worker_that_takes_over_after_the_correction_gives_the_same_frames(paused: Session, player: Player) -> None:
    correct(300.0)
    admit(paused)
    control.step(paused.pk, 2)
    before = durable(read_up_to_now(paused))
    player.close()
    other = Player(20, look_every=0.1)
    other.start()
    try:
        frames = finish(wait_until(paused, lambda s: s.events.filter(kind="recovery").exists()))
    finally:
        other.close()
        other.loader.shutdown()
    assert frames[: len(before)] == before
    assert len(events_of(frames, "revision")) == 1 and len(events_of(frames, "bar")) == 390


def read_up_to_now(session: Session) -> list[dict[str, Any]]:
    from streaming.engine.frames.frame_id import FrameId
    from streaming.reading import rederive

    wait_until(session, lambda s: s.events.filter(kind="admit").exists())
    session.refresh_from_db()
    until = FrameId.parse(f"{session.run.generation}.{session.run.frame_id}")
    return [
        frame.wire() for day in rederive.frames_between(session, None, until) for part in day for frame in part.frames
    ]


# --- as known -----------------------------------------------------------------------------------------

KNOWN_AT = utc(2, 15, 0) + dt.timedelta(seconds=20)


def test_as_known_a_version_comes_when_the_market_knew_it(player: Player, real_days: str) -> None:
    correct(300.0, known_at=KNOWN_AT)
    frames = finish(play(as_known=True, speed=0.0))
    ((at, event),) = events_of(frames, "revision")
    assert at == "2025-07-02T15:01:00Z", "the first minute that is over after it was known"
    assert (event["start"], event["close"], event["version"]) == (stamp(DAY.open + WRONG * MINUTE), 300.0, 2)
    bars = [event for _, event in events_of(frames, "bar")]
    assert bars[WRONG]["close"] != 300.0 and bars[LATE]["close"] == 300.0


def test_final_is_the_newest_from_the_start(player: Player, real_days: str) -> None:
    corrected = correct(300.0, known_at=KNOWN_AT)
    frames = finish(play(speed=0.0))
    assert not events_of(frames, "revision")
    assert [event["close"] for _, event in events_of(frames, "bar")] == corrected.close.tolist()


def test_as_known_a_version_without_a_market_time_is_never_known(player: Player, real_days: str) -> None:
    first = DayVersion.objects.get(instrument__symbol="AAPL", date=FIRST, scope="regular", interval="1m")
    correct(300.0)
    frames = finish(play(as_known=True, speed=0.0))
    assert not events_of(frames, "revision")
    assert [event["close"] for _, event in events_of(frames, "bar")] == bars_of(first).close.tolist()


def test_as_known_what_was_known_before_the_open_is_the_day(player: Player, real_days: str) -> None:
    corrected = correct(300.0, known_at=DAY.open - dt.timedelta(hours=1))
    correct(301.0, known_at=DAY.close + dt.timedelta(hours=1))
    frames = finish(play(as_known=True, speed=0.0))
    assert not events_of(frames, "revision")
    assert [event["close"] for _, event in events_of(frames, "bar")] == corrected.close.tolist()


def test_a_fork_as_known_has_the_same_future(player: Player, real_days: str) -> None:
    correct(300.0, known_at=KNOWN_AT)
    session = play(as_known=True, speed=600.0)
    wait_until(session, lambda s: s.run.clock and s.run.clock >= DAY.open + 5 * MINUTE)
    control.pause(session.pk)
    wait_until(session, lambda s: s.state == State.PAUSED)
    started = service.open_streams(copies.fork(session.pk), service.quiet).session
    assert [at for at, _ in events_of(finish(started), "revision")] == ["2025-07-02T15:01:00Z"]


@pytest.mark.parametrize(
    ("known_at", "revised_at"),
    [
        pytest.param(DAY.open + 2 * MINUTE, None, id="known before it came: in the next frame"),
        pytest.param(KNOWN_AT, "2025-07-02T15:01:00Z", id="known later: then"),
        pytest.param(None, "", id="without a market time: never"),
    ],
)
def test_as_known_a_version_that_arrives_in_mid_run(
    player: Player, real_days: str, known_at: dt.datetime | None, revised_at: str | None
) -> None:
    session = play(as_known=True, speed=600.0)
    wait_until(session, lambda s: s.run.clock and s.run.clock >= DAY.open + 5 * MINUTE)
    control.pause(session.pk)
    wait_until(session, lambda s: s.state == State.PAUSED)
    clock = session.run.clock
    assert clock is not None
    correct(300.0, known_at=known_at)
    rounds.run_one(session.pk)
    if known_at is not None:
        wait_until(session, lambda s: s.events.filter(kind="admit").exists())
    expected = [stamp(clock + MINUTE)] if revised_at is None else [revised_at] if revised_at else []
    assert [at for at, _ in events_of(finish(session), "revision")] == expected
