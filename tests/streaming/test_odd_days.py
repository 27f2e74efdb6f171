"""Days of odd hours that people had trouble with: late opens, and the evening of a half day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.core.management import call_command

from marketdata.coverage.facts import Question
from marketdata.coverage.status import data_status
from marketdata.models import DayVersion
from sessions.models import State
from streaming.engine.playing.player import Player
from streaming.starts import service
from streaming.starts.request import StartRequest
from streaming.verify.session import verify
from tests.streaming.playing import durable, read_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("date", "first", "last", "minutes"),
    [
        ("2002-09-11", "16:00", "20:00", 240),
        ("1996-01-08", "16:00", "19:00", 180),
        ("2005-06-01", "13:30", "19:56", 386),
    ],
)
def test_a_day_of_odd_hours_is_complete_and_plays_from_its_open(
    player: Player, cases: Path, date: str, first: str, last: str, minutes: int
) -> None:
    call_command("import_bars", str(cases / "b01-late-opens" / "in"), dataset="b01", verbosity=0)
    (status,) = data_status(Question(("ALFA",)), "b01")
    assert (status.total.quality, status.total.bars) == (1.0, 240 + 180 + 386)
    day = dt.date.fromisoformat(date)
    session = service.start(StartRequest(("ALFA",), day, dataset="b01", derive=("1h",), speed=0.0)).session
    frames = durable(read_all(session.pk))
    assert [frames[0]["clock"], frames[-1]["clock"]] == [f"{date}T{first}:00Z", f"{date}T{last}:00Z"]
    bars = [event for frame in frames for event in frame["events"] if event["type"] == "bar"]
    assert len([bar for bar in bars if bar["interval"] == "1m"]) == minutes
    assert next(bar for bar in bars if bar["interval"] == "1h")["start"] == f"{date}T{first}:00Z"
    session.refresh_from_db()
    assert session.state == State.COMPLETED and verify(session.pk).ok


@pytest.mark.parametrize(("hours", "bars", "last"), [("regular", 210, "18:00"), ("extended", 217, "22:00")])
def test_the_evening_of_a_half_day_plays_where_extended_hours_do(
    player: Player, cases: Path, hours: str, bars: int, last: str
) -> None:
    call_command("import_bars", str(cases / "b02-half-day-evening" / "in"), dataset="b02", verbosity=0)
    assert list(DayVersion.objects.order_by("scope").values_list("scope", "row_count")) == [
        ("extended", 7),
        ("regular", 210),
    ]
    request = StartRequest(("ALFA",), dt.date(2025, 11, 28), dataset="b02", derive=("1h", "1d"), speed=0.0, hours=hours)
    frames = durable(read_all(service.start(request).session.pk))
    assert frames[-1]["clock"] == f"2025-11-28T{last}:00Z"
    found = [event for frame in frames for event in frame["events"] if event["type"] == "bar"]
    minutes = [bar for bar in found if bar["interval"] == "1m"]
    assert len(minutes) == bars
    (day,) = (bar for bar in found if bar["interval"] == "1d")
    regular = [bar for bar in minutes if "hours" not in bar]
    assert (day["close"], day["high"]) == (regular[-1]["close"], max(bar["high"] for bar in regular))
    hourly = [bar for bar in found if bar["interval"] == "1h" and "hours" not in bar]
    assert hourly[-1]["end"] == "2025-11-28T18:00:00Z"
