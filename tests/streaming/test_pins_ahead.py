"""At full speed the next days' versions are pinned together, and days of few rows are read together too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any

import pytest

from marketdata import store
from marketdata.store import load_rows
from sessions import control
from sessions.models import DayMark, JournalEntry, Pin, Run, Session, SessionEvent, State
from streaming.engine.days import pins_ahead
from streaming.engine.days.loading import tape_of
from streaming.engine.days.pins_ahead import PinsAhead
from streaming.engine.days.recipe import Recipe
from streaming.engine.playing.player import Player
from streaming.engine.records import journal as journals
from streaming.engine.records import journal_writing
from streaming.engine.records.fence import LeaseLost
from streaming.verify.session import verify
from tests.streaming.playing import finished, start, wait_until
from tests.streaming.rows import DAY, a_day, a_session

pytestmark = pytest.mark.django_db(transaction=True)
NEXT, THIRD = dt.date(2024, 11, 19), dt.date(2024, 11, 20)


class Later(Executor):
    """Threads that all have other things to do, until they have not."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.jobs.append((future := Future(), partial(fn, *args, **kwargs)))
        return future

    def work(self) -> None:
        while self.jobs:
            future, job = self.jobs.pop(0)
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(job())
                except LeaseLost as error:
                    future.set_exception(error)


@pytest.fixture
def ahead(transactional_db: None) -> PinsAhead:
    """Of a session of three days, the second of which one symbol lacks."""
    session = a_session("AAPL", "MSFT", epoch=1)
    Session.objects.filter(pk=session.pk).update(end_date=THIRD)
    session.refresh_from_db()
    for date, symbols in ((NEXT, ("AAPL",)), (THIRD, ("AAPL", "MSFT"))):
        for symbol in symbols:
            a_day(symbol, date, session.dataset)
    return PinsAhead(Recipe.of(session), 1, Later())


def test_whole_days_are_pinned_together_and_taken_once(ahead: PinsAhead) -> None:
    session = Session.objects.get(pk=ahead.recipe.session_id)
    journal = journals.read(session.pk)
    Pin.objects.filter(session=session).delete()
    first = ahead.take(DAY, journal)
    assert first is not None and set(first.journal.pins(DAY)) == {"AAPL", "MSFT"}
    assert first.journal.pins(DAY) == journals.read(session.pk, DAY).pins(DAY)
    pinned = set(Pin.objects.filter(session=session).values_list("date", flat=True))
    assert pinned == {DAY, THIRD}  # of the second one day something may still come
    third = ahead.take(THIRD, journal)
    assert third is not None and third.journal.pins(THIRD) and not third.journal.pins(DAY)
    assert ahead.take(THIRD, journal) is None  # what was done to it meanwhile is in the rows


@pytest.mark.parametrize("most", [64, 3])
def test_days_of_few_rows_are_read_together(ahead: PinsAhead, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(pins_ahead, "MOST_READ", most)
    session = Session.objects.get(pk=ahead.recipe.session_id)
    Pin.objects.filter(session=session).delete()
    journal = journals.read(session.pk)
    reads: list[int] = []
    monkeypatch.setattr(store, "load_rows", lambda rows: (reads.append(len(rows)), load_rows(rows))[1])
    for date in (DAY, THIRD):
        taken = ahead.take(date, journal)
        assert taken is not None
        tape, anew = (tape_of(ahead.recipe, taken.journal, date, generation=1, read=rows) for rows in (taken.rows, ()))
        laid, again = (each.lay(0, len(each), None, frozenset({"AAPL", "MSFT"})) for each in (tape, anew))
        assert laid is not None and again is not None and laid.body == again.body
    assert reads == ([4, 2, 2] if most == 64 else [2, 2, 2, 2])  # all of both days, and what was read anew here


def test_a_day_that_is_pinned_stays_what_it_is(ahead: PinsAhead) -> None:
    session = Session.objects.get(pk=ahead.recipe.session_id)
    journal, entries = journals.read(session.pk), JournalEntry.objects.filter(session=session).count()
    before = list(Pin.objects.filter(session=session, date=DAY).order_by("pk").values())
    assert before and ahead.take(DAY, journal) is None
    assert list(Pin.objects.filter(session=session, date=DAY).order_by("pk").values()) == before
    assert JournalEntry.objects.filter(session=session).count() == entries + 1  # the third day's


def test_a_symbol_that_came_meanwhile_has_the_day_read_anew(ahead: PinsAhead) -> None:
    session = Session.objects.get(pk=ahead.recipe.session_id)
    assert ahead.take(DAY, journals.read(session.pk)) is None
    journal_writing.append(session.pk, "add", {"symbols": ["IBM"], "generation": 1})
    assert ahead.take(THIRD, journals.read(session.pk)) is None


def test_who_lost_the_session_pins_nothing(ahead: PinsAhead) -> None:
    session = Session.objects.get(pk=ahead.recipe.session_id)
    journal, before = journals.read(session.pk), Pin.objects.filter(session=session).count()
    Run.objects.filter(session=session).update(epoch=2)
    with pytest.raises(LeaseLost):
        ahead.take(DAY, journal)
    assert Pin.objects.filter(session=session).count() == before


@pytest.mark.parametrize("threads", ["work", "have no time"])
def test_days_are_pinned_while_others_are_played(ahead: PinsAhead, threads: str) -> None:
    session = Session.objects.get(pk=ahead.recipe.session_id)
    journal = journals.read(session.pk)
    Pin.objects.filter(session=session).exclude(date=DAY).delete()
    ahead.begin(DAY, journal)
    ahead.begin(DAY, journal)
    assert isinstance(ahead.threads, Later) and len(ahead.threads.jobs) == 1
    if threads == "work":
        ahead.threads.work()
        assert set(ahead.pinned) == {THIRD} and ahead.looked_until == THIRD
    third = ahead.take(THIRD, journal)
    pinned = Pin.objects.filter(session=session, date=THIRD)
    if threads == "work":
        assert third is not None and set(third.journal.pins(THIRD)) == {"AAPL", "MSFT"} and pinned.count() == 2
    else:  # the day itself is asked for: nobody waits for a thread that never comes
        assert third is None and not pinned.exists()
    ahead.threads.work()
    assert pinned.count() == (2 if threads == "work" else 0)


def test_no_more_days_are_pinned_while_there_are_enough(ahead: PinsAhead, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a session at full speed gets another request."""
    session = Session.objects.get(pk=ahead.recipe.session_id)
    later = [THIRD + dt.timedelta(days=1), THIRD + dt.timedelta(days=2)]
    for date in later:
        for symbol in ("AAPL", "MSFT"):
            a_day(symbol, date, session.dataset)
    Session.objects.filter(pk=session.pk).update(end_date=later[-1])
    monkeypatch.setattr(pins_ahead, "MOST_DAYS", 2)
    monkeypatch.setattr(pins_ahead, "FEW_LEFT", 0)
    threads = Later()
    ahead = PinsAhead(Recipe.of(Session.objects.get(pk=session.pk)), 1, threads)
    journal = journals.read(session.pk)
    for _ in range(3):
        ahead.begin(DAY, journal)
        threads.work()
    assert set(ahead.pinned) == {THIRD}
    assert ahead.take(THIRD, journal) is not None
    threads.work()
    assert set(ahead.pinned) == set(later)


def test_who_lost_the_session_hears_of_it_when_the_days_are_asked_for(ahead: PinsAhead) -> None:
    session = Session.objects.get(pk=ahead.recipe.session_id)
    journal = journals.read(session.pk)
    ahead.begin(DAY, journal)
    Run.objects.filter(session=session).update(epoch=2)
    assert isinstance(ahead.threads, Later)
    ahead.threads.work()
    with pytest.raises(LeaseLost):
        ahead.take(THIRD, journal)


def test_days_pinned_ahead_are_played_like_others(player: Player, real_days: str) -> None:
    at_once = start("AAPL", "MSFT", speed=0.0)
    frames = finished(at_once)
    loads = JournalEntry.objects.filter(session=at_once, kind="load").order_by("number")
    dates = [entry.payload["date"] for entry in loads]
    assert dates == sorted(set(dates)) and len(dates) == DayMark.objects.filter(session=at_once).count() > 1
    assert frames
    opened = SessionEvent.objects.filter(session=at_once, kind="day_open").order_by("id")
    assert [event.data["date"] for event in opened] == dates


def test_a_symbol_added_in_the_midst_is_in_every_later_day(player: Player, real_days: str) -> None:
    session = start("AAPL", speed=0.0, paused=True)
    control.step(session.pk, 5)
    wait_until(session, lambda s: s.run.clock and s.run_until and s.run.clock >= s.run_until)
    control.add_symbols(session.pk, ["MSFT"])
    wait_until(session, lambda s: s.streams.filter(active=True).count() == 2)
    control.resume(session.pk)
    wait_until(session, lambda s: s.state == State.COMPLETED)
    journal, marks = journals.read(session.pk), DayMark.objects.filter(session=session)
    assert marks.count() > 1 and all("MSFT" in journal.pins(mark.date) for mark in marks)
    assert verify(session.pk).ok
