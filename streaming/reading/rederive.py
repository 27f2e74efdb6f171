"""Frames that left the Redis Stream, or were lost with it, re-derived from the journal and the store.

Byte-identical to what was published: the same pure functions over the same pinned days.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from sessions.models import DayMark, Session
from streaming.engine.days.loading import tape_of
from streaming.engine.days.recipe import Recipe
from streaming.engine.frames.frame import NO_CHAIN
from streaming.engine.frames.frame_id import FrameId, milliseconds
from streaming.engine.frames.stretch import Packed, Stretch
from streaming.engine.publishing.packing import packed
from streaming.engine.records import journal as journals
from streaming.engine.records.journal import Journal
from streaming.engine.tape.merge import Tape


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the chain stood before a day's first frame."""

    date: dt.date
    chain: bytes
    prev: FrameId | None


def frames_between(session: Session, after: FrameId | None, until: FrameId) -> Iterator[list[Stretch]]:
    """Published frames of `until`'s generation with `after` < id ≤ `until`, one list per session day."""
    generation = until.generation
    recipe, journal = Recipe.of(session), journals.read(session.pk)
    for mark in marks(session.pk, generation):
        day = recipe.calendar.trading_day(mark.date)
        if milliseconds(day.begin) > until.ms:
            return
        if after is None or milliseconds(day.end) > after.ms:
            tape = tape_of(recipe, journal, mark.date, generation=generation)
            made = day_stretches(tape, journal, generation, mark, until)
            yield [stretch.later(after) for stretch in made if after is None or stretch.id > after]


def part_after(session: Session, after: FrameId | None, until: FrameId, most_bytes: int) -> list[Stretch]:
    """The next published frames of one day, as many as fit: a day of trades and quotes is too large to hold."""
    generation = until.generation
    recipe, journal = Recipe.of(session), journals.read(session.pk)
    found: list[Stretch] = []
    size = 0
    for mark in marks(session.pk, generation):
        day = recipe.calendar.trading_day(mark.date)
        if milliseconds(day.begin) > until.ms or found:
            return found
        if after is not None and milliseconds(day.end) <= after.ms:
            continue
        tape = tape_of(recipe, journal, mark.date, generation=generation)
        for stretch in day_stretches(tape, journal, generation, mark, until):
            if after is None or stretch.id > after:
                found.append(stretch.later(after))
                size += len(found[-1].body)
                if size > most_bytes:
                    return found
    return found


def day_bodies(tape: Tape, journal: Journal, generation: int, mark: Mark, until: FrameId) -> Iterator[Packed]:
    """The bytes of a day's frames, one by one."""
    for stretch in day_stretches(tape, journal, generation, mark, until):
        yield from stretch.packed()


def day_stretches(tape: Tape, journal: Journal, generation: int, mark: Mark, until: FrameId) -> Iterator[Stretch]:
    """A day's frames from its first one on, up to `until`, as the coordinator packs them."""
    begins = journal.begins(generation)
    k = 0
    if mark.prev is None and begins is not None:
        k = tape.first_after(milliseconds(begins))
    last = tape.first_after(until.ms)
    prev, chain = mark.prev, mark.chain
    while k < last:
        stretch, k = packed(tape, k, last, journal, (generation, prev, chain))
        if stretch is not None:
            yield stretch
            prev, chain = stretch.id, stretch.chain


def marks(session_id: int, generation: int) -> list[Mark]:
    """The days that a generation has played, in order."""
    rows = DayMark.objects.filter(session_id=session_id, generation=generation).order_by("date")
    return [
        Mark(date, bytes.fromhex(chain) or NO_CHAIN, FrameId.parse(prev) if prev else None)
        for date, chain, prev in rows.values_list("date", "chain", "prev")
    ]
