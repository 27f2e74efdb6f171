"""Where a frame stands, and the milliseconds that everything of a frame is counted in."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import NamedTuple


class CursorError(ValueError):
    """A cursor that is not `<generation>.<ms>-<n>`."""


CURSOR = re.compile(r"([0-9]{1,9})\.([0-9]{1,15})-([0-9]{1,9})")
LONGEST_CURSOR = 36
LAST_MS = 253_402_300_799_999
"""The end of the year 9999, which is the last that Python knows."""


class FrameId(NamedTuple):
    """Where a frame stands: the cursor of Redis, SSE, WebSocket, REST and Python alike."""

    generation: int
    ms: int
    n: int

    def __str__(self) -> str:
        return f"{self.generation}.{self.ms}-{self.n}"

    @property
    def entry(self) -> str:
        """The id within its generation's Redis stream."""
        return f"{self.ms}-{self.n}"

    @classmethod
    def parse(cls, text: str) -> FrameId:
        match = CURSOR.fullmatch(text)
        if match is None or int(match[2]) > LAST_MS:
            shown = text if len(text) <= LONGEST_CURSOR else f"{text[:LONGEST_CURSOR]}…"
            raise CursorError(
                f"{shown!r} is not a cursor: it looks like 1.1731940260000-0 (<generation>.<clock in ms>-<n>)."
            )
        return cls(*map(int, match.groups()))


def moment(ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC)


def milliseconds(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 1000)


@lru_cache(maxsize=1024)
def rfc3339(ms: int) -> str:
    """RFC 3339 in UTC, with milliseconds only where there are some."""
    text = moment(ms).isoformat(timespec="milliseconds" if ms % 1000 else "seconds")
    return text.replace("+00:00", "Z")
