"""Frames that left the Redis Stream, or were lost with it, made again from the journal and the store.

Byte-identical to what was published: the same pure functions over the same pinned days.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from marketdata import calendar
from sessions.models import Session, SessionEvent
from streaming.engine import journal as journals
from streaming.engine.bus import Packed
from streaming.engine.frames import NO_CHAIN, Frame, FrameId, decode, link, milliseconds, moment
from streaming.engine.journal import Journal
from streaming.engine.loading import Recipe, tape_of
from streaming.engine.tape import Tape


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the chain stood before a day's first frame."""

    date: dt.date
    chain: bytes
    prev: FrameId | None


def frames_between(session: Session, after: FrameId | None, until: FrameId) -> Iterator[list[Frame]]:
    """Published frames of `until`'s generation with `after` < id ≤ `until`, one list per session day."""
    generation = until.generation
    recipe, journal = Recipe.of(session), journals.read(session.pk)
    for mark in marks(session.pk, generation):
        day = calendar.trading_day(mark.date)
        if milliseconds(day.open) > until.ms:
            return
        if after is None or milliseconds(day.close) > after.ms:
            frames = day_frames(recipe, journal, generation, mark, until)
            yield [frame for frame in frames if after is None or frame.id > after]


def part_after(session: Session, after: FrameId | None, until: FrameId, most_bytes: int) -> list[Frame]:
    """The next published frames of one day, as many as fit: a day of trades and quotes is too large to hold."""
    generation = until.generation
    recipe, journal = Recipe.of(session), journals.read(session.pk)
    found: list[Frame] = []
    size = 0
    for mark in marks(session.pk, generation):
        day = calendar.trading_day(mark.date)
        if milliseconds(day.open) > until.ms or found:
            return found
        if after is not None and milliseconds(day.close) <= after.ms:
            continue
        tape = tape_of(recipe, journal, mark.date, generation=generation)
        for frame in day_bodies(tape, journal, generation, mark, until):
            if after is None or frame.id > after:
                found.append(decode(frame.id, frame.body, frame.chain.hex()))
                size += len(frame.body)
                if size > most_bytes:
                    return found
    return found


def day_frames(recipe: Recipe, journal: Journal, generation: int, mark: Mark, until: FrameId) -> Iterator[Frame]:
    """One day's frames from its first one on, up to `until`; a visible clock, never beyond it."""
    tape = tape_of(recipe, journal, mark.date, generation=generation)
    for frame in day_bodies(tape, journal, generation, mark, until):
        yield decode(frame.id, frame.body, frame.chain.hex())


def day_bodies(tape: Tape, journal: Journal, generation: int, mark: Mark, until: FrameId) -> Iterator[Packed]:
    """The bytes of a day's frames, as the coordinator packs them."""
    begins = journal.begins(generation)
    first = 0
    if mark.prev is None and begins is not None:
        first = tape.first_after(milliseconds(begins))
    prev, chain = mark.prev, mark.chain
    for k in range(first, len(tape)):
        frame_id = tape.frame_id(k, generation)
        if frame_id > until:
            return
        body = tape.body(k, prev, journal.active(generation, moment(frame_id.ms)))
        if not body:
            continue
        chain = link(chain, frame_id, body)
        yield Packed(frame_id, body, chain)
        prev = frame_id


def marks(session_id: int, generation: int) -> list[Mark]:
    """The days that a generation has played, in order; a day taken up again keeps its first mark."""
    rows = SessionEvent.objects.filter(session_id=session_id, kind="day_open", data__generation=generation).order_by(
        "id"
    )
    marks: dict[dt.date, Mark] = {}
    for data in rows.values_list("data", flat=True):
        date = dt.date.fromisoformat(data["date"])
        prev = FrameId.parse(data["prev"]) if data["prev"] else None
        marks.setdefault(date, Mark(date, bytes.fromhex(data["chain"]) or NO_CHAIN, prev))
    return sorted(marks.values(), key=lambda mark: mark.date)
