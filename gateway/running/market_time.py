"""Follows a session's clock through pause, speed and seek, and writes it where the bot's process reads it."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from django.db import InterfaceError, OperationalError

from gateway.data import market_clock
from gateway.running.clock_file import NEVER_NS, ClockFile, ClockReading
from gateway.running.side_thread import RunLost, SideThread
from marketdata.calendar import NEW_YORK
from marketdata.units import MILLISECOND_NS
from sessions.models import Session
from sessions.postgres_faults import fault
from streaming.base.db import connected

log = logging.getLogger(__name__)
EVERY_SECONDS = 0.025
RETRY_AFTER_SECONDS = 0.5
SHORT_NS = 1_000
"""A microsecond: a nanosecond before a minute is the minute itself where a clock is read as a float."""
PACE_OF_UNPACED = 60.0
"""At which the clock goes on behind the end of a session of speed 0."""


class MarketTime:
    """A thread that reads the session's row; `ended_at` is the monotonic time at which the session was seen over."""

    def __init__(
        self, session_id: int, file: ClockFile, also: Callable[[int], None] | None = None, *, lockstep: bool = False
    ) -> None:
        """`lockstep`: the clock stands short of the next frame's instant until that is published."""
        self.session_id, self.file, self.also, self.lockstep = session_id, file, also, lockstep
        self.speed, self.zone, self.looking = 1.0, NEW_YORK, threading.Lock()
        self.ended_at: float | None = None
        self.stopping = threading.Event()
        self.thread = SideThread("market time", self._follow)

    def start(self) -> None:
        """Returns with the clock set."""
        self.look()
        self.thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join()

    def stamp(self) -> str:
        """For people: the exchange's time."""
        return f"{dt.datetime.fromtimestamp(self.file.market_ns() / 1e9, self.zone):%Y-%m-%d %H:%M:%S}"

    def _follow(self) -> None:
        with connected():
            wait, said = EVERY_SECONDS, ""
            while not self.stopping.wait(wait):
                try:
                    self.look()
                    wait, said = EVERY_SECONDS, ""
                except (OperationalError, InterfaceError) as error:  # whatever it is, the next look may find the row
                    wait, reason = RETRY_AFTER_SECONDS, fault(error)
                    if reason != said:
                        log.warning("The bot's clock stands: %s", reason)
                    said = reason
                except Session.DoesNotExist:
                    raise RunLost(f"session {self.session_id} was deleted") from None

    def look(self) -> None:
        """Bring the file up to date."""
        with self.looking:
            self._read()

    def _read(self) -> None:
        session = Session.objects.with_run().get(pk=self.session_id)
        self.speed, self.zone = session.speed, session.calendar.zone
        if session.is_live:
            reading = reading_of(session)
            self.file.write(short_of_next_frame(reading) if self.lockstep else reading)
        elif self.ended_at is None:
            self.ended_at = time.monotonic()
            self.file.write(after_the_end(session))
        if self.also:
            self.also(self.file.market_ns())


def short_of_next_frame(reading: ClockReading) -> ClockReading:
    """A replay that is held has come to the frame's instant, and the frame has not come to anybody."""
    until = reading.until_ns - SHORT_NS
    return replace(
        reading, until_ns=until, market_ns=min(reading.market_ns, until) if reading.pace else reading.market_ns
    )


def reading_of(session: Session) -> ClockReading:
    shown = market_clock.moving(session, dt.datetime.now(dt.UTC))
    moving = session.run.moving
    current = moving.get("generation") == session.run.generation
    return ClockReading(
        generation=session.run.generation,
        market_ns=round(shown.timestamp() * 1000) * MILLISECOND_NS,
        until_ns=int(moving["until"]) * MILLISECOND_NS if current else 0,
        pace=moving["pace"] if current else 0.0,
    )


def after_the_end(session: Session) -> ClockReading:
    """Nothing comes any more, so nothing can be seen early: the clock goes on, and whoever sleeps wakes up."""
    pace = session.speed or PACE_OF_UNPACED
    return ClockReading(session.run.generation, market_clock.as_of(session), NEVER_NS, max(pace, 1.0))
