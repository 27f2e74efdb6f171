"""What the two Celery workers do. Tasks are thin: they take ids and call one verb.

Beat imports this module too, and each worker does one half of it: what plays and what keeps up is imported in the task.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import redis
from celery import shared_task, signals
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from sessions.models import ServiceHeartbeat
from streaming.base import redis_server

if TYPE_CHECKING:
    from streaming.engine.playing.player import Player

log = logging.getLogger(__name__)
_players: list[Player] = []


def player() -> Player:
    """This worker process's player, made at its first use."""
    from streaming.engine.playing.player import Player

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
    """A start that was asked for without a foreground: in the admin, or at the API."""
    from streaming.starts import service

    service.open_queued(session_id)


@shared_task
def run_upkeep() -> None:
    from streaming.upkeep import rounds
    from streaming.upkeep.problems import Problems
    from streaming.verify import jobs

    problems = Problems()
    with problems.of("the word that beat is there"):
        ServiceHeartbeat.objects.update_or_create(
            name="beat", defaults={"kind": "beat", "pid": os.getpid(), "seen_at": Now()}
        )
    with problems.of("the round"):
        rounds.run(problems=problems)
    if jobs.unfinished():
        verify_sessions.apply_async(expires=55)


@shared_task
def upkeep_session(session_id: int) -> None:
    from streaming.upkeep import rounds

    rounds.run_one(session_id)


@shared_task
def verify_sessions() -> None:
    """The verifications that were asked for, one at a time: of two workers the second walks away."""
    from streaming.verify import jobs

    jobs.work()


@signals.worker_init.connect
def refuse_unsuitable_servers(**_: Any) -> None:
    """End a worker whose sessions would be lost or meet another installation. Servers that are away are waited for."""
    try:
        redis_server.require_suitable()
    except redis_server.UnsuitableServer as error:
        raise SystemExit(str(error)) from None
    except (redis.RedisError, DatabaseError) as error:
        log.warning("The servers were not looked at: %s", error)
    finally:
        connection.close()


@signals.beat_init.connect
def first_round(**_: Any) -> None:
    """Beat's first round is due a period after its start: have one at once."""
    run_upkeep.apply_async(expires=55)


@signals.worker_ready.connect
def look_for_sessions(sender: Any = None, **_: Any) -> None:
    """A replay worker starts playing at boot: sessions that a dead worker left are resumed at once."""
    if "replay" in {queue.name for queue in sender.task_consumer.queues}:
        player()


@signals.worker_shutting_down.connect
def let_sessions_go(**_: Any) -> None:
    for playing in _players:
        playing.close()
