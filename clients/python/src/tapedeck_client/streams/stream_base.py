"""What a stream does whatever waits for its messages: its place, its notices."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from tapedeck_client.errors import SessionFailed
from tapedeck_client.frame_records import FrameId
from tapedeck_client.notices import End, Lagging, Notice, Reconnected, Released, Reset
from tapedeck_client.streams.place import Place
from tapedeck_client.streams.stream_request import StreamRequest

RAN_AWAY = "This lockstep reader was silent for too long: the session has ended without waiting for it."
log = logging.getLogger("tapedeck_client")


@dataclass(eq=False)
class StreamBase:
    """The part of a stream that needs no network."""

    request: StreamRequest

    def __post_init__(self) -> None:
        self.place = Place(self.request)
        self.unheard = 0

    @property
    def cursor(self) -> FrameId | None:
        """The last frame that was handed out: as `after` of another stream it goes on from there."""
        return self.place.cursor

    def missed(self) -> bool:
        """Count a frame that the replay did not wait for; True where there is one more than there may be at the end."""
        self.unheard += 1
        return self.unheard == self.request.window + 1

    def note(self, notice: Notice) -> None:
        """What becomes of a notice where only records are asked for. Raises SessionFailed at a failed session's end."""
        if self.request.on_notice:
            self.request.on_notice(notice)
        elif isinstance(notice, Reset | Lagging | Reconnected | Released):
            log.warning("Session %s: %s", self.request.session_id, notice)
        if isinstance(notice, End) and notice.state == "failed":
            raise SessionFailed(f"Session {self.request.session_id} has failed: {notice.reason}")
