"""What the two Celery workers do. Tasks are thin: they take ids and call one verb."""

import logging
import os
from typing import Any

from celery import shared_task, signals
from django.conf import settings
from django.db.models.functions import Now

from sessions.models import ServiceHeartbeat
from streaming import service
from streaming.engine.player import Player
from streaming.upkeep import rounds

log = logging.getLogger(__name__)
_players: list[Player] = []


def player() -> Player:
    """This worker process's player, made at its first use."""
    if not _players:
        _players.append(Player(settings.REPLAY_SLOTS))
        _players[0].start()
    return _players[0]


@shared_task
def replay_session(session_id: int) -> None:
    """Take the session and return: it is played by a thread of this worker's under its lease.

    The task is done as soon as the lease is held, so a redelivery finds it taken and walks away, and no
    message stays unacknowledged for as long as a session lasts.
    """
    player().take(session_id)


@shared_task
def start_session(session_id: int) -> None:
    """The start that a door without a foreground (admin, API) asked for."""
    service.open_queued(session_id)


@shared_task
def run_upkeep() -> None:
    ServiceHeartbeat.objects.update_or_create(
        name="beat", defaults={"kind": "beat", "pid": os.getpid(), "seen_at": Now()}
    )
    rounds.run()


@shared_task
def upkeep_session(session_id: int) -> None:
    rounds.run_one(session_id)


@signals.beat_init.connect
def first_round(**_: Any) -> None:
    """Beat's first round is due a period after its start: have one at once."""
    run_upkeep.apply_async(expires=55)


@signals.worker_ready.connect
def look_for_sessions(sender: Any = None, **_: Any) -> None:
    """A replay worker starts playing at boot: sessions that a dead worker left are taken up at once."""
    if "replay" in {queue.name for queue in sender.task_consumer.queues}:
        player()


@signals.worker_shutting_down.connect
def let_sessions_go(**_: Any) -> None:
    for playing in _players:
        playing.close()
