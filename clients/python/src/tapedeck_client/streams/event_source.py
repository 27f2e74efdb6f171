"""The text of server-sent events. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

SILENCE_SECONDS = 45.0
"""The server says something every 15 seconds: after three times that the connection is dead."""


class EventSource:
    """Bytes in, messages out. Lines end with a line feed alone: text may hold what else Python takes for an end."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, chunk: bytes) -> Iterator[Mapping[str, Any]]:
        """The messages that the chunk completes; comments and half events are none."""
        begin = max(0, len(self._held) - 1)  # an end may be split between two chunks
        self._held += chunk
        while (end := self._held.find(b"\n\n", begin)) >= 0:
            event = bytes(self._held[:end])
            del self._held[: end + 2]
            begin = 0
            if data := [line[5:] for line in event.split(b"\n") if line.startswith(b"data:")]:
                yield json.loads(b"\n".join(data))
