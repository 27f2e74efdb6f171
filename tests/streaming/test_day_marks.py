"""Days are marked with the position that is in them."""

from __future__ import annotations

import datetime as dt
import threading
import time
from dataclasses import replace

import pytest
from django.db import connection

from sessions.models import DayMark, Run, Session, SessionEvent
from sessions.redis_client import connection as redis_connection
from streaming.engine.records.day_marks import DayBegun
from streaming.engine.records.position_writer import Note, PositionWriter
from tests.streaming.paper import Paper, read
from tests.streaming.rows import DAY, a_session, locked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def played(transactional_db: None) -> Session:
    return a_session("AAPL", epoch=1, clock=None, frame_id="", chain="", frame_count=0)


def begun(session: Session, date: dt.date = DAY, epoch: int = 1) -> DayBegun:
    return DayBegun(session.pk, epoch, 1, date, "ab" * 32, "", None, f"{date} begins", "{}")


def note(session: Session, count: int = 1) -> Note:
    clock = dt.datetime(2024, 11, 18, 14, 31, tzinfo=dt.UTC)
    position = {"clock": clock, "frame_id": "1731940260000-0", "frame_count": count, "chain": "cd" * 32}
    return Note(1, 1, position, {}, {})


def test_a_position_is_never_written_before_the_mark_of_its_day(played: Session) -> None:
    writer = PositionWriter()
    writer.begin_day(begun(played))
    writer.leave(played.pk, note(played))
    with locked(Session, played.pk):
        writer.write()
        assert not DayMark.objects.filter(session=played).exists()
        assert Run.objects.get(session=played).frame_count == 0
    writer.write()
    assert DayMark.objects.get(session=played).chain == "ab" * 32
    assert Run.objects.get(session=played).frame_count == 1
    assert SessionEvent.objects.filter(session=played, kind="day_open").count() == 1


def test_a_session_that_is_locked_keeps_no_other_waiting(played: Session) -> None:
    other = a_session("MSFT", epoch=1, clock=None, frame_id="", chain="", frame_count=0)
    writer = PositionWriter()
    for session in (played, other):
        writer.begin_day(begun(session))
        writer.leave(session.pk, note(session))
    with locked(Session, played.pk):
        began = time.monotonic()
        writer.write()
        writer.mark_days(other.pk)
        assert time.monotonic() - began < 10
    assert DayMark.objects.filter(session=other).exists()
    assert Run.objects.get(session=other).frame_count == 1


def test_a_position_whose_row_was_locked_is_written_without_another_note(played: Session) -> None:
    """A replay that is held for a bot makes no other frame until the bot has seen this one's instant come."""
    other = a_session("MSFT", epoch=1, clock=None, frame_id="", chain="", frame_count=0)
    writer = PositionWriter()
    for session in (played, other):
        writer.leave(session.pk, note(session))
    with locked(Run, played.pk):
        writer.write()
        assert Run.objects.get(session=other).frame_count == 1
        assert list(writer.notes) == [played.pk]
    writer.write()
    assert Run.objects.get(session=played).frame_count == 1 and not writer.notes


def test_a_position_of_who_lost_the_session_is_not_written_and_not_kept(played: Session) -> None:
    writer = PositionWriter()
    writer.leave(played.pk, replace(note(played), epoch=7))
    with locked(Run, played.pk):
        writer.write()
    assert Run.objects.get(session=played).frame_count == 0 and not writer.notes


def test_a_mark_of_who_lost_the_session_is_not_written_and_not_kept(played: Session) -> None:
    writer = PositionWriter()
    writer.begin_day(begun(played, epoch=7))
    writer.write()
    assert not DayMark.objects.filter(session=played).exists() and writer.days == []


def test_the_first_mark_of_a_day_stays(played: Session) -> None:
    DayMark.objects.create(session=played, generation=1, date=DAY, chain="", prev="")
    writer = PositionWriter()
    writer.begin_day(begun(played))
    writer.mark_days(played.pk)
    assert DayMark.objects.get(session=played).chain == ""


def test_frames_that_are_lost_before_their_day_is_marked_are_waited_for(transactional_db: None) -> None:
    paper = Paper("AAPL")
    whole = list(paper.complete())
    redis_connection().flushdb()
    mark = DayMark.objects.get(session=paper.session)
    DayMark.objects.all().delete()

    def marked_late() -> None:
        time.sleep(0.4)
        DayMark.objects.create(session=paper.session, generation=1, date=mark.date, chain=mark.chain, prev=mark.prev)
        connection.close()

    late = threading.Thread(target=marked_late)
    late.start()
    frames = read(paper.session.pk, from_start=True)
    late.join()
    assert [(frame["id"], frame["hash"]) for frame in frames if frame["id"]] == whole
