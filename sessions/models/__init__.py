"""What is being replayed: sessions, their runs, streams and journal, and what happened to them."""

from sessions.models.events import SessionEvent
from sessions.models.heartbeats import ServiceHeartbeat
from sessions.models.journal import Announcement, DayMark, JournalEntry
from sessions.models.keys import SessionKey
from sessions.models.pins import Pin
from sessions.models.run import Run
from sessions.models.session import (
    ENDED,
    LIVE,
    TRANSITIONS,
    WITH_RUN,
    Session,
    State,
    TransitionError,
    locked_session,
    only_bars,
    take_session,
)
from sessions.models.start_keys import StartKey
from sessions.models.streams import ActiveStream, StreamType, symbols_of
from sessions.models.verifications import Verification

__all__ = [
    "ENDED",
    "LIVE",
    "TRANSITIONS",
    "WITH_RUN",
    "ActiveStream",
    "Announcement",
    "DayMark",
    "JournalEntry",
    "Pin",
    "Run",
    "ServiceHeartbeat",
    "Session",
    "SessionEvent",
    "SessionKey",
    "StartKey",
    "State",
    "StreamType",
    "TransitionError",
    "Verification",
    "locked_session",
    "only_bars",
    "symbols_of",
    "take_session",
]
