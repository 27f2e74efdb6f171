"""What a session's handle knows without asking."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

from tapedeck_client.errors import SessionFailed, WaitTimeout
from tapedeck_client.session_info import SessionInfo

PLAYING = ("running", "paused", "completed", "stopped")
"""What a started session is in, or comes to."""
LOOK_SECONDS = 0.1


@dataclass(eq=False)
class SessionHandle:
    """A session by its number; `info` is the server's last answer about it."""

    info: SessionInfo

    @property
    def id(self) -> int:
        """The session's number."""
        return self.info.id

    @property
    def state(self) -> str:
        """created, starting, running, paused, completed, stopped or failed, as last answered."""
        return self.info.state

    @property
    def clock(self) -> dt.datetime | None:
        """The market's time in the session, as last answered; None before the first frame."""
        return self.info.clock

    @property
    def symbols(self) -> tuple[str, ...]:
        """With an active stream, as last answered."""
        return self.info.symbols

    def reached(self, states: tuple[str, ...], waited: float, timeout: float) -> bool:
        """Whether it is in one of the states. Raises SessionFailed and WaitTimeout."""
        if self.state in states:
            return True
        self._still_possible(" or ".join(states), waited if self.info.live else math.inf, timeout)
        return False

    def is_settled(self, waited: float, timeout: float) -> bool:
        """Whether what was asked of it is done. Raises SessionFailed and WaitTimeout."""
        if self.info.settled and self.state != "failed":
            return True
        self._still_possible("where it was asked to be", waited, timeout)
        return False

    def _still_possible(self, aim: str, waited: float, timeout: float) -> None:
        if self.state == "failed":
            raise SessionFailed(f"Session {self.id} has failed: {self.info.reason}")
        if waited > timeout:
            raise WaitTimeout(f"Session {self.id} is {self.state} at {self.clock}, not {aim}.")
