"""Connecting again: at growing intervals, as long as the stream has patience. Pure but for the spread."""

from __future__ import annotations

import random

from tapedeck_client.errors import ApiError, ConnectionLost, ServerError, TapedeckError, TooManyRequests
from tapedeck_client.frame_records import FrameId
from tapedeck_client.notices import Reconnected

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.2, 10.0


class Attempts:
    """The outage at hand. The very first connection has none: a wrong address is an error at once."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.connected_once = False
        self.since: float | None = None
        self.count = 0
        self.reason = ""

    def failed(self, error: TapedeckError, now: float) -> float:
        """Seconds to wait before the next attempt. Raises the error where another attempt is of no use."""
        if not self.connected_once or not passing(error):
            raise error
        if self.since is None:
            self.since, self.reason = now, str(error)
        if now - self.since > self.patience:
            message = f"There has been no connection for {now - self.since:.0f} seconds: {error}"
            raise ConnectionLost(message) from error
        wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(self.count, 10))
        self.count += 1
        if isinstance(error, ApiError) and error.retry_after is not None:
            return error.retry_after
        return wait * random.uniform(0.5, 1.0)  # noqa: S311  so that many readers do not come back at one moment

    def succeeded(self, after: FrameId | None, now: float) -> Reconnected | None:
        """There is a connection; a notice where an outage is over."""
        self.connected_once = True
        if self.since is None:
            return None
        notice = Reconnected(after, now - self.since, self.count, self.reason)
        self.since, self.count = None, 0
        return notice


def passing(error: TapedeckError) -> bool:
    """Whether another attempt may succeed."""
    return isinstance(error, ConnectionLost | ServerError | TooManyRequests)
