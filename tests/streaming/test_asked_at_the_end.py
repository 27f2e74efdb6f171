"""What is asked for while a session comes to its end, and is accepted, is done."""

from __future__ import annotations

from typing import Any

import pytest

from sessions import control
from sessions.models import Session, State
from streaming.engine.playing.coordinator import Coordinator
from streaming.engine.playing.player import Player
from tests.streaming.playing import LAST, start, utc, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_seek_in_the_last_moment_comes_before_the_end(
    player: Player, real_days: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = start(speed=0.0, paused=True)
    wait_until(session, lambda one: one.state == State.PAUSED)
    picked_up, asked = Coordinator._pick_up, list[Session]()

    def pick_up(coordinator: Coordinator) -> Any:
        """The last thing before a session that is over ends."""
        if coordinator.head.over and coordinator.head.tape.day.date == LAST and not asked:
            asked.append(control.seek(session.pk, utc(2, 15)))
            control.pause(session.pk)
        return picked_up(coordinator)

    monkeypatch.setattr(Coordinator, "_pick_up", pick_up)
    control.resume(session.pk)
    wait_until(session, lambda one: one.run.generation == 2)
    assert (session.state, session.run.clock) == (State.PAUSED, utc(2, 15))
    control.resume(session.pk)
    wait_until(session, lambda one: one.state == State.COMPLETED)
