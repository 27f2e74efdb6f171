"""The worker process as a whole: it ends rather than go on without a part of itself."""

from __future__ import annotations

import threading

import pytest

from streaming.engine.playing.player import Player
from streaming.engine.records.position_writer import Note
from streaming.starts import service
from streaming.starts.request import StartRequest
from tests.streaming.playing import FIRST


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_in_a_thread_that_serves_all_sessions_ends_the_worker(player: Player, real_days: str) -> None:
    given_up = threading.Event()
    player.give_up = given_up.set
    note = Note(1, 1, {}, {}, {})
    player.position_writer.leave(1, note)
    assert given_up.wait(10)
    session = service.create(StartRequest(["AAPL"], FIRST, FIRST))
    assert not player.take(session.pk)
