"""Keeps the embedded services running: one that ends or hangs is started again, for as long as that takes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil
import psycopg

from config.embedded.lock import ServiceError, last_line
from config.pauses import pause_after

log = logging.getLogger(__name__)
LOOK_EVERY_SECONDS = 2.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0


class Service(Protocol):
    log: Path

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def running(self) -> bool: ...
    def hangs(self) -> bool: ...


@dataclass(slots=True)
class Care:
    """How the tries to bring one service back have gone."""

    service: Service
    failures: int = 0
    not_before: float = 0.0


@dataclass
class Keeper:
    """Looks at the services in a thread of its own: bringing one back may take a minute, which delays no child.

    Nothing that a service does ends it: a disk that is full today has room again tomorrow.
    """

    services: Sequence[Service]
    say: Callable[[str], None]
    ended: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def start(self) -> None:
        self.thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """After this it starts nothing any more."""
        self.ended.set()
        if self.thread:
            self.thread.join()

    def _run(self) -> None:
        cares = [Care(service) for service in self.services]
        while not self.ended.wait(LOOK_EVERY_SECONDS):
            for care in cares:
                try:
                    self.look(care)
                except Exception as error:  # whatever it is, a later look may find it gone
                    log.exception("%s cannot be looked after", type(care.service).__name__)
                    self._put_off(care, error)

    def look(self, care: Care) -> None:
        name = type(care.service).__name__
        if care.service.running():
            if care.failures:
                self.say(f"{name} is back.")
            care.failures = 0
        elif time.monotonic() >= care.not_before and not self.ended.is_set():
            if not care.failures:
                self.say(
                    f"{name} does not answer: {last_line(care.service.log)}. Starting it again - {care.service.log}"
                )
            self._bring_back(care)

    def _bring_back(self, care: Care) -> None:
        try:
            if care.failures and care.service.hangs():
                care.service.stop()
            care.service.start()
        except (ServiceError, OSError, psycopg.Error, psutil.Error) as error:
            self._put_off(care, error)

    def _put_off(self, care: Care, error: Exception) -> None:
        pause = pause_after(care.failures, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        care.failures += 1
        care.not_before = time.monotonic() + pause
        name, reason = type(care.service).__name__, (str(error).strip() or type(error).__name__).splitlines()[0]
        self.say(f"{name} is not back: {reason}. Trying again in {pause:g} s, until it is.")
