"""The life cycle, and what the database itself refuses."""

from __future__ import annotations

import datetime as dt
from itertools import product

import pytest
from django.db import IntegrityError, transaction

from marketdata.models import Dataset
from marketdata.store import ensure_instruments
from sessions import control
from sessions.models import TRANSITIONS, ActiveStream, JournalEntry, Run, Session, State, TransitionError

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    dataset = Dataset.objects.create(name="made", source="made")
    day = dt.date(2025, 7, 3)
    return Session.objects.create(dataset=dataset, start_date=day, end_date=day)


@pytest.mark.parametrize(("source", "target"), list(product(State, State)))
def test_only_the_transitions_of_the_life_cycle_are_possible(session: Session, source: State, target: State) -> None:
    Session.objects.filter(pk=session.pk).update(state=source)
    session.refresh_from_db()
    if target in TRANSITIONS[source]:
        session.move_to(target)
        assert session.state == target
        assert bool(session.ended_at) == (not session.is_live)
    else:
        with pytest.raises(TransitionError, match=f"is {source}: it cannot become {target}"):
            session.move_to(target)


def test_of_two_who_move_a_session_one_wins_and_the_other_is_reported_the_state(session: Session) -> None:
    other = Session.objects.get(pk=session.pk)
    session.move_to(State.STARTING)
    with pytest.raises(TransitionError, match="is starting"):
        other.move_to(State.STOPPED)


def test_a_worker_of_an_older_epoch_cannot_move_a_session(session: Session) -> None:
    Run.objects.filter(pk=session.pk).update(epoch=2)
    with pytest.raises(TransitionError):
        session.move_to(State.STARTING, epoch=1)


def test_a_stream_is_there_once_and_has_a_known_type(session: Session) -> None:
    instrument = ensure_instruments(["AAPL"])["AAPL"]
    ActiveStream.objects.create(session=session, instrument_id=instrument)
    for stream_type in ("bars", "candles"):
        with pytest.raises(IntegrityError), transaction.atomic():
            ActiveStream.objects.create(session=session, instrument_id=instrument, stream_type=stream_type)


def test_a_journal_number_is_there_once(session: Session) -> None:
    JournalEntry.objects.create(session=session, number=0, kind="start")
    with pytest.raises(IntegrityError), transaction.atomic():
        JournalEntry.objects.create(session=session, number=0, kind="load")


def test_an_intent_is_on_the_row_with_a_new_version_and_the_second_is_refused(session: Session) -> None:
    Session.objects.filter(pk=session.pk).update(state=State.RUNNING)
    paused = control.pause(session.pk, by="ann")
    assert (paused.paused, paused.control_version) == (True, 1)
    with pytest.raises(control.ControlError, match="is paused: pause changes nothing"):
        control.pause(session.pk, by="bob")
    assert control.set_speed(session.pk, 0.25).control_version == 2
    assert list(session.events.order_by("id").values_list("message", flat=True)) == ["pause by ann", "speed 0.25"]


def test_an_ended_session_takes_no_control(session: Session) -> None:
    Session.objects.filter(pk=session.pk).update(state=State.COMPLETED)
    with pytest.raises(TransitionError, match="is completed: it cannot become paused"):
        control.pause(session.pk)


def test_a_session_that_nobody_has_taken_is_stopped_at_once(session: Session) -> None:
    assert control.stop(session.pk).state == State.STOPPED
