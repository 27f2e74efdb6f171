"""What the server says of its sessions and of itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LIVE = ("created", "starting", "running", "paused")
"""States that a session can still play from."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session as it was when the server answered. Times are aware datetimes."""

    id: int
    name: str
    state: str
    """created, starting, running, paused, completed, stopped or failed."""
    reason: str
    """Why it failed; else empty."""
    dataset: str
    synthetic: bool
    symbols: tuple[str, ...]
    """What it plays, or has played when it ended."""
    interval: str
    derive: tuple[str, ...]
    """Wider intervals that it plays too."""
    types: tuple[str, ...]
    """What it plays of bars, ticks (trades) and quotes."""
    start_date: dt.date
    end_date: dt.date
    clock: dt.datetime | None
    """The last published frame's: nothing later can be read. None before the first."""
    cursor: str | None
    """The last published frame's id."""
    frame_count: int
    speed: float
    """Market seconds per second; 0 is as fast as possible."""
    real_speed: float | None
    generation: int
    """Grows with every seek."""
    paused: bool
    """Whether it was asked to be."""
    run_until: dt.datetime | None
    """Where a step ends."""
    seek_to: dt.datetime | None
    """Where it is being moved to."""
    stop_requested: bool
    as_known: bool
    forked_from: int | None
    created_by: str
    created_at: dt.datetime
    ended_at: dt.datetime | None
    notes: tuple[str, ...]
    """In what it is started otherwise than asked for, where the server has just started it."""

    @property
    def live(self) -> bool:
        """Whether it has not ended."""
        return self.state in LIVE

    @property
    def settled(self) -> bool:
        """Whether it is where it was asked to be: started, paused, stepped, moved, or ended."""
        if not self.live:
            return True
        if self.stop_requested or self.seek_to:
            return False
        stepping = self.run_until is not None and (self.clock is None or self.clock < self.run_until)
        return self.state == ("paused" if self.paused else "running") and not (self.paused and stepping)


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """Postgres or Redis."""

    name: str
    ok: bool
    version: str
    detail: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker process. `in_use` of `capacity` sessions play in it."""

    name: str
    kind: str
    pid: int
    seen_at: dt.datetime
    alive: bool
    capacity: int
    in_use: int
    detail: Any


@dataclass(frozen=True, slots=True)
class ReaderInfo:
    """Someone who reads a session, and how far behind it is."""

    id: str
    kind: str
    name: str
    since: dt.datetime
    cursor: str | None
    lockstep: bool
    lag_frames: int
    lag_seconds: int


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """A live session as the system's status shows it."""

    id: int
    name: str
    state: str
    dataset: str
    synthetic: bool
    session_date: dt.date | None
    clock: dt.datetime | None
    symbols: tuple[str, ...]
    bars: int
    quality: float | None
    speed: float
    real_speed: float | None
    bottleneck: str
    worker: str
    readers: int | None
    slowest_reader: ReaderInfo | None


@dataclass(frozen=True, slots=True)
class BeatInfo:
    """The scheduler of upkeep."""

    last_run: dt.datetime | None
    alive: bool


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """The server: `system` is running, degraded or down; `problems` says why."""

    at: dt.datetime
    system: str
    problems: tuple[str, ...]
    services: tuple[ServiceInfo, ...]
    workers: tuple[WorkerInfo, ...]
    beat: BeatInfo
    sessions: tuple[SessionStatus, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and the cursor of the next one; None on the last."""

    rows: tuple[Mapping[str, Any], ...]
    cursor: str | None
