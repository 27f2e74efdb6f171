"""Where a stream stands: what has been handed out, and what a new connection has to ask for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tapedeck_client.account_records import ACCOUNT, AccountEvent, account_event_of
from tapedeck_client.frame_records import Frame, FrameId, frame_of
from tapedeck_client.notices import End, Notice, Reset, Snapshot, notice_of, snapshot_of
from tapedeck_client.streams.stream_request import StreamRequest

Item = Frame | AccountEvent | Notice


class Place:
    """Turns messages into frames, account events and notices, each exactly once."""

    def __init__(self, request: StreamRequest) -> None:
        self.request = request
        self.cursor = request.after
        self.from_start = request.from_start
        self.ended = False
        self._parts: list[Mapping[str, Any]] = []

    def query(self) -> dict[str, str]:
        """What the next connection asks for. A snapshot that was cut off comes again."""
        self._parts = []
        return self.request.query(self.cursor, from_start=self.from_start)

    def take(self, message: Mapping[str, Any]) -> Iterator[Item]:
        """What a message brings. The place is beyond an item by the time that it is handed out."""
        if message["id"] is not None:
            item = account_event_of(message) if _is_of_account(message) else frame_of(message)
            if not self._had(item.id):
                self.cursor = item.id
                yield item
            return
        for row in message["events"]:
            notice = self._snapshot(row) if row["type"] == "snapshot" else notice_of(row)
            if notice is not None:
                self._note(notice)
                yield notice

    def _had(self, place: FrameId) -> bool:
        cursor = self.cursor
        return cursor is not None and place.generation == cursor.generation and place <= cursor

    def _snapshot(self, row: Mapping[str, Any]) -> Snapshot | None:
        self._parts.append(row)
        if row.get("part", 1) < row.get("parts", 1):
            return None
        parts, self._parts = self._parts, []
        return snapshot_of(parts)

    def _note(self, notice: Notice) -> None:
        if isinstance(notice, Snapshot):
            self.cursor = notice.as_of
            self.from_start = notice.as_of is None  # nothing was out yet: what follows begins with the first frame
        elif isinstance(notice, Reset):
            self.cursor, self.from_start = None, False
        elif isinstance(notice, End):
            self.ended = True


def _is_of_account(message: Mapping[str, Any]) -> bool:
    events = message["events"]
    return len(events) == 1 and bool(events[0]["type"] == ACCOUNT)


def to_acknowledge(item: Item) -> FrameId | None:
    """The frame that a lockstep reader is done with once it asks for what follows the item."""
    if isinstance(item, Frame):
        return item.id
    return item.as_of if isinstance(item, Snapshot) else None
