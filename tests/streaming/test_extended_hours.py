"""Sessions of extended hours: what the files have before the open and after the close plays too, marked, row by row."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.core.management import call_command

from marketdata.exchange_calendar import calendar_of
from sessions import control
from sessions.models import Session, State
from streaming.as_of.bar_table import bar_table_as_of
from streaming.as_of.session_data import get_session_data
from streaming.engine.playing.player import Player
from streaming.reading.selection import Selection
from streaming.reading.snapshot import snapshot
from streaming.starts import copies, service
from streaming.starts.request import StartError, StartRequest
from streaming.verify.session import verify
from tests.streaming.playing import SYMBOLS, finished, utc, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
DAY, HALF = dt.date(2025, 7, 2), dt.date(2025, 7, 3)
EXTENDED = calendar_of(hours="extended")
COLUMNS = ["open", "high", "low", "close", "volume"]
PARTS = {"pre": ("04:00", "09:30"), "regular": ("09:30", "13:00"), "post": ("13:00", "17:00")}


def play(first: dt.date = HALF, last: dt.date = HALF, **options: Any) -> Session:
    given = {"hours": "extended", "speed": 0.0, "derive": ("5m", "1h", "1d"), "dataset": "exthours_2025", **options}
    return service.start(StartRequest(SYMBOLS, first, last, **given)).session


def bars_of(frames: list[dict[str, Any]], symbol: str, interval: str) -> pd.DataFrame:
    events = (event for frame in frames for event in frame["events"])
    rows = [e for e in events if e["type"] == "bar" and (e["symbol"], e["interval"]) == (symbol, interval)]
    table = pd.DataFrame(rows)
    table["hours"] = table.get("hours", pd.Series(index=table.index, dtype=object)).fillna("regular")
    return table.assign(start=pd.to_datetime(table["start"]), end=pd.to_datetime(table["end"]))


def rows_of(folder: Path, symbol: str, date: dt.date) -> pd.DataFrame:
    """The file's own rows of a New York date."""
    (file,) = (folder / "bars" / "exthours_2025").glob(f"{symbol}_*.csv.gz")
    rows = pd.read_csv(file, parse_dates=["timestamp"])
    local = rows["timestamp"].dt.tz_convert("America/New_York")
    return rows[local.dt.date == date].assign(local=local.dt.strftime("%H:%M")).reset_index(drop=True)


def part_of(local: pd.Series) -> pd.Series:
    return local.map(lambda time: next(name for name, (first, last) in PARTS.items() if first <= time < last))


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_half_day_plays_every_row_of_the_file_in_its_minute_and_marked(
    player: Player, real_days: str, market_data: Path, symbol: str
) -> None:
    frames = finished(play())
    rows, played = rows_of(market_data, symbol, HALF), bars_of(frames, symbol, "1m")
    assert len(rows) > 600
    assert played["start"].tolist() == rows["timestamp"].tolist()
    assert played[COLUMNS].values.tolist() == rows[COLUMNS].values.tolist()
    assert played["hours"].tolist() == part_of(rows["local"]).tolist()
    clocks = [frame["clock"] for frame in frames]
    assert (clocks[0], clocks[-1], len(clocks)) == ("2025-07-03T08:00:00Z", "2025-07-03T21:00:00Z", 13 * 60 + 1)
    marks = {frame["clock"][11:16]: frame["hours"] for frame in frames}
    assert [marks[time] for time in ("13:29", "13:30", "17:00", "17:01")] == ["pre", "regular", "regular", "post"]
    for frame in frames:
        assert all(event["end"] == frame["clock"] for event in frame["events"] if event["type"] == "bar")


@pytest.mark.parametrize(("interval", "minutes"), [("5m", 5), ("1h", 60)])
def test_derived_bars_never_mix_regular_and_extended_minutes(
    player: Player, real_days: str, market_data: Path, interval: str, minutes: int
) -> None:
    frames = finished(play())
    rows, played = rows_of(market_data, "AAPL", HALF), bars_of(frames, "AAPL", interval)
    part = part_of(rows["local"])
    begins = part.map(
        {name: pd.Timestamp(f"{HALF} {first}", tz="America/New_York") for name, (first, _) in PARTS.items()}
    )
    bucket = (rows["timestamp"] - begins) // pd.Timedelta(minutes=minutes)
    made = rows.groupby([part, bucket], sort=False).agg(
        start=("timestamp", "first"),
        open=("open", "first"),
        high=("high", "max"),
        low=("low", "min"),
        close=("close", "last"),
        volume=("volume", "sum"),
        present=("open", "size"),
    )
    assert played["hours"].tolist() == made.index.get_level_values(0).tolist()
    assert played[COLUMNS].values.tolist() == made[COLUMNS].values.tolist()
    assert played["n_present"].tolist() == made["present"].tolist()
    ends = played["end"].dt.tz_convert("America/New_York").dt.strftime("%H:%M")
    assert all(end <= PARTS[hours][1] for end, hours in zip(ends, played["hours"], strict=True))


def test_a_bar_of_a_day_is_the_regular_sessions_own(player: Player, real_days: str) -> None:
    (day,) = bars_of(finished(play()), "AAPL", "1d").to_dict("records")
    assert (day["start"], day["end"]) == (pd.Timestamp("2025-07-03T13:30Z"), pd.Timestamp("2025-07-03T17:00Z"))
    assert (day["hours"], day["n_present"], day["n_expected"]) == ("regular", 210, 210)


def test_a_regular_session_plays_nothing_of_extended_hours(player: Player, real_days: str) -> None:
    frames = finished(play(hours="regular"))
    assert (frames[0]["clock"], frames[-1]["clock"]) == ("2025-07-03T13:30:00Z", "2025-07-03T17:00:00Z")
    assert {frame["hours"] for frame in frames} == {"regular"}
    assert not any("hours" in event for frame in frames for event in frame["events"])


def test_days_follow_each_other_from_evening_to_the_next_early_morning(player: Player, real_days: str) -> None:
    frames = finished(play(DAY, HALF))
    clocks = [frame["clock"] for frame in frames]
    evening = clocks.index("2025-07-03T00:00:00Z")
    assert clocks[evening + 1] == "2025-07-03T08:00:00Z"
    assert len(clocks) == 16 * 60 + 1 + 13 * 60 + 1
    opens = [event["date"] for frame in frames for event in frame["events"] if event["type"] == "day_open"]
    assert opens == ["2025-07-02", "2025-07-03"]


@pytest.fixture
def early(player: Player, real_days: str) -> Session:
    """A session that stands before the open."""
    session = play(DAY, HALF, speed=600.0)
    control.seek(session.pk, utc(3, 12, 0))
    wait_until(session, lambda s: s.run.clock and s.run.clock > utc(3, 12, 5))
    control.pause(session.pk)
    return wait_until(session, lambda s: s.state == State.PAUSED)


def test_before_the_open_readers_have_what_is_over_and_nothing_later(early: Session, market_data: Path) -> None:
    clock = pd.Timestamp(early.run.clock)
    rows = rows_of(market_data, "AAPL", HALF)
    over = rows[rows["timestamp"] + pd.Timedelta(minutes=1) <= clock]
    bars = get_session_data(early.pk).get_symbol_data("AAPL").bars_1m
    assert [bar["close"] for bar in bars] == over["close"].tolist()
    assert {bar["hours"] for bar in bars} == {"pre"}
    table = bar_table_as_of(early, "AAPL", "1m")
    assert len(table) == len(over)
    assert set(table.columns["hours"]) == {b'"pre"'}
    shown = snapshot(early, Selection.of(["AAPL"], ["1m"]))["bars"]
    assert [bar["start"] for bar in shown] == [bar["start"] for bar in bars]
    assert {bar["hours"] for bar in shown} == {"pre"}


def test_steps_forks_and_restarts_keep_the_hours(early: Session) -> None:
    before = early.run.clock
    control.step(early.pk, 10)
    wait_until(early, lambda s: s.run.clock == before + dt.timedelta(minutes=10))
    fork = copies.fork(early.pk)
    service.open_streams(fork, service.quiet)
    control.resume(fork.pk)
    control.set_speed(fork.pk, 0.0)
    wait_until(fork, lambda s: s.state == State.COMPLETED)
    assert (fork.hours, fork.run.clock) == ("extended", utc(3, 21, 0))
    assert verify(fork.pk).ok
    assert copies.restart(early.pk).hours == "extended"


def test_trades_of_extended_hours_play_in_their_order(player: Player, sample: Path, transactional_db: None) -> None:
    file = sample / "trades" / "lean" / "IBM_2013-10-08_trades.parquet"
    call_command("import_trades", str(file), dataset="lean", verbosity=0)
    date = dt.date(2013, 10, 8)
    request = StartRequest(("IBM",), date, date, dataset="lean", types=("ticks",), speed=0.0, hours="extended")
    frames = finished(service.start(request).session)
    trades = [event for frame in frames for event in frame["events"] if event["type"] == "trade"]
    rows = pd.read_parquet(file)
    assert [trade["price"] for trade in trades] == rows["price"].tolist()
    marks = pd.Series([trade.get("hours", "regular") for trade in trades]).value_counts()
    assert (marks["pre"] + marks["post"], marks["regular"]) == (58, len(rows) - 58)


def test_other_hours_are_refused() -> None:
    with pytest.raises(StartError, match="'always' are no hours: give regular or extended") as raised:
        service.create(StartRequest(("AAPL",), HALF, hours="always"))
    assert raised.value.field == "hours"
