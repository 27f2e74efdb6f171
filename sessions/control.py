"""What people may ask of a running session: each verb records an intent and wakes the worker.

Intents are state, not messages: they are on the session's row with a new `control_version`; the lease holder
acts on them and writes the version that it applied. Losing the wake-up loses nothing.
"""

import math
from typing import Any

from django.db import transaction
from django.db.models import F

from sessions import wakeup
from sessions.models import LIVE, Session, SessionEvent, State, TransitionError


class ControlError(Exception):
    """A control that this session cannot take now; the text is for the person who asked."""


def pause(session_id: int, *, by: str = "") -> Session:
    return _intend(session_id, State.PAUSED, "pause", by, only={"paused": False}, paused=True)


def resume(session_id: int, *, by: str = "") -> Session:
    return _intend(session_id, State.RUNNING, "resume", by, only={"paused": True}, paused=False, run_until=None)


def stop(session_id: int, *, by: str = "") -> Session:
    """Ask for the end. A session that no worker has taken yet ends at once."""
    session = _intend(session_id, State.STOPPED, "stop", by, only={}, stop_requested=True)
    if session.state == State.CREATED:
        session.move_to(State.STOPPED, reason=f"stopped{_by(by)} before it started")
        session.streams.update(active=False)
    return session


def set_speed(session_id: int, speed: float, *, by: str = "") -> Session:
    """Market seconds per wall second; 0 is as fast as possible."""
    check_speed(speed)
    return _intend(session_id, None, f"speed {speed:g}", by, only={}, speed=speed)


def check_speed(speed: float) -> None:
    if not math.isfinite(speed) or speed < 0:
        raise ControlError(f"Speed {speed} is not possible: give 0 (as fast as possible) or any positive number.")


def _intend(
    session_id: int, target: State | None, verb: str, by: str, *, only: dict[str, Any], **wanted: Any
) -> Session:
    """Compare-and-set the wanted state; of two people pressing at once one wins and the other is told."""
    with transaction.atomic():
        rows = Session.objects.filter(pk=session_id, state__in=LIVE, stop_requested=False, **only)
        changed = rows.update(control_version=F("control_version") + 1, **wanted)
        session = Session.objects.get(pk=session_id)
        if not changed:
            raise _refusal(session, target, verb)
        SessionEvent.objects.create(
            session=session, kind="control", message=f"{verb}{_by(by)}", clock=session.clock, data={"by": by}
        )
        transaction.on_commit(lambda: wakeup.send(session_id))
    return session


def _refusal(session: Session, target: State | None, verb: str) -> Exception:
    if session.is_live and session.stop_requested:
        return ControlError(f"Session {session.pk} is being stopped: it cannot {verb} any more.")
    if target is None or session.is_live:
        wanted = "paused" if session.paused else session.state
        return ControlError(f"Session {session.pk} is {wanted}: {verb} changes nothing.")
    return TransitionError(session, target)


def _by(by: str) -> str:
    return f" by {by}" if by else ""
