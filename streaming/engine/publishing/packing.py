"""Stretches of a tape with their place in a generation's chain: what is published, and what is made again of it."""

from __future__ import annotations

from streaming.engine.frames.frame_id import FrameId, milliseconds, moment
from streaming.engine.frames.stretch import Stretch
from streaming.engine.records.journal import Journal
from streaming.engine.tape.merge import Tape

Place = tuple[int, FrameId | None, bytes]
"""Generation, last frame before, and the chain there."""


def packed(tape: Tape, first: int, last: int, journal: Journal, place: Place) -> tuple[Stretch | None, int]:
    """Frames `first` up to `last` (excluded), or as many of them as make a stretch, and the index to go on from.

    In a stretch the same symbols are active. None where no instant has a frame.
    """
    generation, prev, chain = place
    begins = moment(tape.instant(first))
    until = journal.unchanged_until(generation, begins)
    if until is not None:
        last = min(last, tape.first_after(milliseconds(until)))
    laid = tape.lay(first, last, prev, journal.active(generation, begins))
    if not laid.ms:
        return None, laid.next
    return Stretch.chained(generation, laid.ms, laid.ends, laid.body, chain), laid.next
