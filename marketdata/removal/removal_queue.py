"""Removals that take longer than a request may: a worker of upkeep does them, and how far one has come can be seen.

Each is one transaction, so one whose worker dies leaves the store as it was, and is to be asked for again. How far it
is stands in Redis: what a transaction writes is not seen from outside before its end.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import redis
from django.core.cache import cache
from kombu.exceptions import OperationalError

from marketdata.locks import Locks, alone, is_held
from marketdata.removal.deleting import CannotRemove, Progress
from marketdata.sending import send

log = logging.getLogger(__name__)
MOST_AT_ONCE = 5_000
"""Days that a request removes itself: about a second of work."""
KEPT_SECONDS = 24 * 3600
SILENT_SECONDS = 120.0
"""Without a sign: from then on its worker is looked for."""
AGAIN_SECONDS = 2


class State(StrEnum):
    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Removal:
    """What came of one, or how many of its days are gone."""

    state: State
    all_days: int
    done_days: int = 0
    said: str = ""
    seen_at: float = 0.0

    @property
    def working(self) -> bool:
        return self.state in (State.WAITING, State.WORKING) and time.time() - self.seen_at < SILENT_SECONDS

    @property
    def lost(self) -> bool:
        return self.state in (State.WAITING, State.WORKING) and not self.working


def find(*names: object) -> Removal | None:
    """The last one that was asked for under these names, within a day."""
    try:
        found = cache.get(_key(names))
    except redis.RedisError:
        return None
    if not isinstance(found, Removal):
        return None
    # Before the first day goes, and after the last, there are minutes without a sign; its lock ends with its worker.
    return replace(found, seen_at=time.time()) if found.lost and is_held(Locks.REMOVAL, 0) else found


def forget(*names: object) -> None:
    with suppress(redis.RedisError):
        cache.delete(_key(names))


def queue(task: str, names: tuple[object, ...], days: int, *args: Any) -> str:
    """Have a worker do it; returns why it cannot be asked for, empty where it can."""
    try:
        cache.set(_key(names), Removal(State.WAITING, days, seen_at=time.time()), KEPT_SECONDS)
        _send(task, args)
    except (OperationalError, redis.RedisError):
        return "Redis does not take the task, see the services on the home page: nothing was done."
    return ""


def work(task: str, names: tuple[object, ...], args: tuple[Any, ...], verb: Callable[[Progress], str]) -> None:
    """Do it, with what came of it in words. Later, where another is being done: they must not take all of upkeep."""
    removal = find(*names) or Removal(State.WAITING, 0)
    with alone(Locks.REMOVAL, 0) as mine:
        if not mine:
            _note(names, removal)
            _send(task, args, countdown=AGAIN_SECONDS)
            return
        removal = replace(removal, state=State.WORKING)
        _note(names, removal)
        try:
            said = verb(lambda gone: _note(names, replace(removal, done_days=gone)))
        except CannotRemove as error:
            _note(names, replace(removal, state=State.FAILED, said=str(error)))
        except Exception as error:
            _note(names, replace(removal, state=State.FAILED, said=f"{type(error).__name__}: {error}"))
            raise
        else:
            _note(names, replace(removal, state=State.DONE, done_days=removal.all_days, said=said))


def _note(names: tuple[object, ...], removal: Removal) -> None:
    """Redis being away is no reason to stop."""
    try:
        cache.set(_key(names), replace(removal, seen_at=time.time()), KEPT_SECONDS)
    except redis.RedisError as error:
        log.warning("How far the removal of %s is cannot be shown: %s", names, error)


def _send(task: str, args: tuple[Any, ...], **options: Any) -> None:
    send(f"marketdata.tasks.{task}", args=list(args), queue="upkeep", **options)


def _key(names: tuple[object, ...]) -> str:
    return f"removal:{hashlib.sha256(repr([str(name or '') for name in names]).encode()).hexdigest()}"
