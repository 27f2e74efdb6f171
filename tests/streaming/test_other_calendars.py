"""Sessions of other exchanges than New York's, on made data: London's hours, and days that follow each other."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from gateway.data.market_clock import market_clock
from marketdata.coverage.facts import Question
from marketdata.coverage.status import data_status
from marketdata.exchange_calendar import calendar_of
from marketdata.models import DayVersion, Instrument
from sessions import control
from sessions.models import Session, State
from streaming.as_of.session_data import get_session_data
from streaming.engine.playing.player import Player
from streaming.starts import service
from streaming.starts.request import StartError, StartRequest
from streaming.verify.session import verify
from tests.streaming.playing import finished, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = dt.timedelta(minutes=1)


def write_minutes(folder: Path, symbol: str, exchange: str, first: dt.date, last: dt.date) -> Path:
    """Every minute of the days, the closes counting up by a cent."""
    lines = ["time,open,high,low,close,volume"]
    for day in calendar_of(exchange).trading_days(first, last):
        for n in (
            n
            for opens, closes in day.trading
            for n in range((opens - day.open) // MINUTE, (closes - day.open) // MINUTE)
        ):
            price = 100 + n / 100
            stamp = f"{day.open + n * MINUTE:%Y-%m-%dT%H:%M:%SZ}"
            lines.append(f"{stamp},{price:.2f},{price + 0.5:.2f},{price - 0.5:.2f},{price:.2f},{n + 1}")
    path = folder / f"{symbol}.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def imported(folder: Path, symbol: str, exchange: str, first: dt.date, last: dt.date) -> None:
    path = write_minutes(folder, symbol, exchange, first, last)
    call_command("import_bars", str(path), dataset="made", calendar=exchange, verbosity=0)


def play(symbol: str, first: dt.date, last: dt.date, **options: Any) -> Session:
    request = StartRequest((symbol,), first, last, dataset="made", derive=("1h", "1d"), **{"speed": 0.0, **options})
    return service.start(request).session


def bars_of(frames: list[dict[str, Any]], interval: str) -> list[dict[str, Any]]:
    events = (event for frame in frames for event in frame["events"])
    return [event for event in events if event["type"] == "bar" and event["interval"] == interval]


def test_a_london_session_has_londons_hours_through_its_clock_change(player: Player, tmp_path: Path) -> None:
    first, last = dt.date(2025, 3, 28), dt.date(2025, 3, 31)
    imported(tmp_path, "VOD", "XLON", first, last)
    frames = finished(play("VOD", first, last))
    opens = [frame["clock"] for frame in frames if any(event["type"] == "day_open" for event in frame["events"])]
    assert opens == ["2025-03-28T08:00:00Z", "2025-03-31T07:00:00Z"]
    assert frames[-1]["clock"] == "2025-03-31T15:30:00Z"
    assert len(bars_of(frames, "1m")) == 2 * 510
    assert [bar["n_expected"] for bar in bars_of(frames, "1h")] == ([60] * 8 + [30]) * 2
    (status,) = data_status(Question(("VOD",)), "made")
    assert (status.total.quality, status.notes) == (1.0, [])


def test_tokyos_midday_break_is_passed_through_and_no_minute_of_it_is_missed(player: Player, tmp_path: Path) -> None:
    first, last = dt.date(2025, 7, 8), dt.date(2025, 7, 9)
    imported(tmp_path, "TYO", "XTKS", first, last)
    session = play("TYO", first, last)
    frames = finished(session)
    assert [e["minutes"] for frame in frames for e in frame["events"] if e["type"] == "day_open"] == [330, 330]
    assert len(bars_of(frames, "1m")) == 2 * 330
    hours = bars_of(frames, "1h")[:7]
    assert [bar["n_expected"] for bar in hours] == [60, 60, 30, 30, 60, 60, 30]
    assert (hours[2]["end"], all(bar["complete"] for bar in hours)) == ("2025-07-08T02:30:00Z", True)
    in_break = [frame for frame in frames if "2025-07-08T02:30:00Z" < frame["clock"] < "2025-07-08T03:31:00Z"]
    assert len(in_break) == 60 and not any(frame["events"] for frame in in_break), "the clock alone"
    assert session.streams.get().expected == 330
    assert not session.events.filter(kind__contains="gap").exists()
    assert verify(session.pk).ok


@pytest.mark.parametrize(("exchange", "minutes"), [("24/7", 1440), ("CMES", 1440)])
def test_days_that_follow_each_other_have_each_instant_once(
    player: Player, tmp_path: Path, exchange: str, minutes: int
) -> None:
    first, last = dt.date(2025, 7, 8), dt.date(2025, 7, 10)
    imported(tmp_path, "BTC", exchange, first, last)
    assert sorted(DayVersion.objects.values_list("row_count", flat=True)) == [minutes] * 3
    frames = finished(play("BTC", first, last))
    clocks = [frame["clock"] for frame in frames]
    assert len(clocks) == len(set(clocks)) == 3 * minutes
    assert clocks == sorted(clocks)
    minute = bars_of(frames, "1m")
    assert [bar["start"] for bar in minute] == sorted({bar["start"] for bar in minute})
    assert len(minute) == 3 * minutes
    assert [bar["n_present"] for bar in bars_of(frames, "1d")] == [minutes] * 3
    kinds = [e["type"] for frame in frames for e in frame["events"] if e["type"].startswith("day_")]
    assert kinds == ["day_open", "day_close"] * 3


def test_a_round_the_clock_session_is_moved_over_midnight_and_shows_the_day_that_it_is_in(
    player: Player, tmp_path: Path
) -> None:
    first, last = dt.date(2025, 7, 8), dt.date(2025, 7, 9)
    imported(tmp_path, "BTC", "24/7", first, last)
    session = play("BTC", first, last, speed=600.0)
    wait_until(session, lambda s: s.run.clock)
    midnight = dt.datetime(2025, 7, 9, tzinfo=dt.UTC)
    control.seek(session.pk, midnight + 90 * MINUTE)
    wait_until(session, lambda s: s.run.clock and s.run.clock >= midnight + 90 * MINUTE)
    control.pause(session.pk)
    wait_until(session, lambda s: s.state == State.PAUSED)
    bars = get_session_data(session.pk).get_symbol_data("BTC").bars_1m
    assert bars[0]["start"] == "2025-07-09T00:00:00Z"
    assert bars[-1]["end"] == f"{session.run.clock:%Y-%m-%dT%H:%M:%SZ}"
    control.seek(session.pk, midnight)
    wait_until(session, lambda s: s.run.clock == midnight and s.seek_to is None)
    assert len(get_session_data(session.pk).get_symbol_data("BTC").bars_1m) == 1440
    control.set_speed(session.pk, 0.0)
    control.resume(session.pk)
    wait_until(session, lambda s: s.state == State.COMPLETED)
    assert verify(session.pk).ok


def test_symbols_of_different_calendars_are_refused_by_name(player: Player, tmp_path: Path) -> None:
    first, last = dt.date(2025, 7, 8), dt.date(2025, 7, 9)
    imported(tmp_path, "VOD", "XLON", first, last)
    imported(tmp_path, "AAPL", "XNYS", first, last)
    with pytest.raises(StartError, match=r"different calendars \(XLON: VOD; XNYS: AAPL\)"):
        service.create(StartRequest(("AAPL", "VOD"), first, dataset="made"))
    with pytest.raises(StartError, match="XLON has no extended hours"):
        service.create(StartRequest(("VOD",), first, dataset="made", hours="extended"))
    session = play("VOD", first, last, speed=1.0)
    with pytest.raises(control.ControlError, match="is of the calendar XLON, and AAPL of XNYS"):
        control.add_symbols(session.pk, ["AAPL"])
    control.stop(session.pk)


def test_an_import_keeps_an_instruments_calendar_and_refuses_another(transactional_db: None, tmp_path: Path) -> None:
    day = dt.date(2025, 7, 8)
    imported(tmp_path, "VOD", "XLON", day, day)
    assert Instrument.objects.get(symbol="VOD").calendar == "XLON"
    call_command("import_bars", str(tmp_path / "VOD.csv"), dataset="made", verbosity=0)
    assert DayVersion.objects.get().row_count == 510
    with pytest.raises(CommandError, match=r"different calendars \(XLON: VOD; XTKS: asked for\)"):
        call_command("import_bars", str(tmp_path / "VOD.csv"), dataset="made", calendar="XTKS", verbosity=0)
    with pytest.raises(CommandError, match="There is no calendar 'XMOON'"):
        call_command("import_bars", str(tmp_path / "VOD.csv"), dataset="made", calendar="XMOON", verbosity=0)


def test_a_provider_of_new_yorks_days_is_not_asked_for_londons(player: Player, tmp_path: Path) -> None:
    imported(tmp_path, "VOD", "XLON", dt.date(2025, 7, 8), dt.date(2025, 7, 8))
    with pytest.raises(StartError, match="has days of XNYS only, and VOD is of XLON: import them"):
        service.start(StartRequest(("VOD",), dt.date(2025, 7, 9), provider="synthetic"))


def test_the_brokers_clock_is_of_the_sessions_exchange(transactional_db: None) -> None:
    at = dt.datetime(2025, 7, 8, 8, 0, tzinfo=dt.UTC)
    assert market_clock(at, calendar_of("XLON"))["is_open"]
    assert not market_clock(at)["is_open"]
    midnight = dt.datetime(2025, 7, 8, tzinfo=dt.UTC)
    shown = market_clock(midnight, calendar_of("24/7"))
    assert (shown["is_open"], shown["next_close"]) == (True, "2025-07-08T20:00:00-04:00")
