"""Proof that a session is a function of its journal: its run is made again and compared with what it left behind.

Compared with it: the chain on the session's row and before each day, the frames still in Redis, the order, and the
same run made from data cut off at several instants, which must not differ in one byte up to there.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from marketdata.errors import MarketDataError
from marketdata.kinds import DayKind
from marketdata.units import MILLISECOND_NS
from marketdata.wire_events import stamp
from sessions.models import ENDED, Session
from streaming.base import joining
from streaming.engine.days.loading import tape_of
from streaming.engine.days.recipe import Recipe
from streaming.engine.frames.frame import NO_CHAIN, Frame, decode, link
from streaming.engine.frames.frame_id import FrameId, milliseconds, moment, rfc3339
from streaming.engine.frames.stretch import Packed
from streaming.engine.publishing.bus import published
from streaming.engine.records import journal as journals
from streaming.engine.records.journal import Entry, Journal, Kind
from streaming.reading.rederive import Mark, day_bodies, marks

CUTS = 5
MOST_REPORTED = 5


@dataclass(frozen=True, slots=True)
class Replica:
    """One generation, made again."""

    generation: int
    chains: dict[FrameId, bytes]
    """Every frame's link, in order."""
    days: Sequence[Mark]
    """Where the chain stood before each day."""

    @property
    def last(self) -> FrameId | None:
        return next(reversed(self.chains), None)

    def report(self) -> dict[str, object]:
        last = self.last
        return {
            "generation": self.generation,
            "frames": len(self.chains),
            "days": len(self.days),
            "first": next((str(frame_id) for frame_id in self.chains), None),
            "last": str(last) if last else None,
            "chain": self.chains[last].hex() if last else "",
        }


@dataclass
class Findings:
    """What was compared, and where it differed."""

    session: Session
    generations: list[dict[str, object]] = field(default_factory=list)
    published: int = 0
    cuts: list[dict[str, object]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def ok(self) -> bool:
        return not self.problems

    def differs(self, about: str, problem: str) -> None:
        """Note a problem, of each kind only the first few: one wrong bar changes the chain of every later frame."""
        self.counts[about] += 1
        if self.counts[about] <= MOST_REPORTED:
            self.problems.append(problem)

    def report(self) -> dict[str, object]:
        return {
            "session": self.session.pk,
            "state": self.session.state,
            "ok": self.ok,
            "clock": self.session.run.clock,
            "chain": self.session.run.chain,
            "generations": self.generations,
            "published_compared": self.published,
            "cuts": self.cuts,
            "problems": self.problems,
        }


Check = Callable[[Session], Iterable[str]]
_checks: list[Check] = []


def verify_also(check: Check) -> None:
    """Have a part prove its own share of sessions: it yields what does not fit. Called by `base.joining`, once."""
    if check not in _checks:
        _checks.append(check)


def verify(session_id: int) -> Findings:
    """Make the session's run again, up to its clock. Raises Session.DoesNotExist; redis.RedisError."""
    joining.join_all()
    session = Session.objects.with_run().get(pk=session_id)
    found = Findings(session)
    recipe, journal = Recipe.of(session), journals.read(session_id)
    for generation in range(1, session.run.generation + 1):
        try:
            _generation(found, recipe, journal, generation)
        except MarketDataError as error:
            found.differs("journal", f"Generation {generation} cannot be made again: {error}")
    for check in _checks:
        for problem in check(session):
            found.differs("accounts", problem)
    return found


def _generation(found: Findings, recipe: Recipe, journal: Journal, generation: int) -> None:
    until = last_frame(found.session, journal, generation)
    if until is None:
        return
    replica = _replicate(found, recipe, journal, generation, until)
    found.generations.append(replica.report())
    _hold_against_row(found, replica)
    _hold_against_marks(found, replica)
    _hold_against_stream(found, replica, until)
    for at in _cuts(list(replica.chains)):
        _cut(found, recipe, journal, replica, at)


def last_frame(session: Session, journal: Journal, generation: int) -> FrameId | None:
    """The last frame of a generation: the row's, or where the session was when it was moved on; None without one."""
    if generation == session.run.generation:
        return FrameId.parse(f"{generation}.{session.run.frame_id}") if session.run.frame_id else None
    moves = (entry for entry in journal.entries if entry.kind == Kind.SEEK and entry.generation == generation + 1)
    left = next((entry.payload["left"] for entry in moves), "")
    return FrameId.parse(left) if left else None


def bodies(
    recipe: Recipe, journal: Journal, generation: int, until: FrameId, known_by: dt.datetime | None = None
) -> Iterator[tuple[Mark, Iterator[Packed]]]:
    """A generation from its beginning, day by day; with `known_by` from a store and a journal that end there."""
    begins = journal.begins(generation)
    prev, chain = None, NO_CHAIN
    for day in recipe.window:
        if begins and day.date < recipe.calendar.session_date_of(begins):
            continue
        if milliseconds(day.begin) > until.ms:
            return
        mark = Mark(day.date, chain, prev)
        tape = tape_of(recipe, journal, day.date, known_by, generation=generation)
        frames = list(day_bodies(tape, journal, generation, mark, until))
        yield mark, iter(frames)
        if frames:
            prev, chain = frames[-1].id, frames[-1].chain


def _replicate(found: Findings, recipe: Recipe, journal: Journal, generation: int, until: FrameId) -> Replica:
    chains: dict[FrameId, bytes] = {}
    days: list[Mark] = []
    for mark, frames in bodies(recipe, journal, generation, until):
        before = mark.prev
        for frame in frames:
            _check_order(found, frame, before)
            chains[frame.id] = frame.chain
            before = frame.id
        if before != mark.prev:
            days.append(mark)
    return Replica(generation, chains, days)


def _check_order(found: Findings, packed: Packed, before: FrameId | None) -> None:
    """A frame comes after, and names, the one before it; its bars become known at its own instant, in order."""
    frame = decode(packed.id, packed.body, "")
    if frame.prev != before or (before and packed.id <= before):
        found.differs("order", f"Frame {packed.id} does not follow {before}: it names {frame.prev}.")
    for block in frame.blocks:
        if block.end_ms != packed.id.ms:
            known, reported = rfc3339(block.end_ms), rfc3339(packed.id.ms)
            found.differs("order", f"Frame {packed.id} has at {reported} bars that are known at {known}.")
        if list(block.symbols) != sorted(set(block.symbols)):
            found.differs("order", f"Frame {packed.id}: symbols are not in order, once each.")
    _check_ticks(found, packed, frame)
    widths = [block.width for block in frame.blocks]
    if widths != sorted(widths):
        found.differs("order", f"Frame {packed.id}: the shorter interval does not come first.")


def _check_ticks(found: Findings, packed: Packed, frame: Frame) -> None:
    """Trades and quotes are not later than their frame, quotes before trades, each kind by its stamps."""
    for block in frame.ticks:
        if len(block) and int(block.at[-1]) > packed.id.ms * MILLISECOND_NS:
            found.differs("order", f"Frame {packed.id} has {block.kind} of {stamp(int(block.at[-1]))}: too early.")
        if (np.diff(block.at) < 0).any():
            found.differs("order", f"Frame {packed.id}: {block.kind} are not in the order of their stamps.")
    kinds = [block.kind for block in frame.ticks]
    if kinds != sorted(kinds, key=lambda kind: kind != DayKind.QUOTES):
        found.differs("order", f"Frame {packed.id}: quotes do not come before trades.")


def _hold_against_row(found: Findings, replica: Replica) -> None:
    row = found.session.run
    if replica.generation != row.generation or not row.frame_id:
        return
    last = FrameId.parse(f"{row.generation}.{row.frame_id}")
    if replica.last != last:
        found.differs("row", f"The run ends with frame {replica.last}, the session's row with {last}.")
    elif replica.chains[last].hex() != row.chain:
        found.differs(
            "row", f"At frame {last} the chain is {replica.chains[last].hex()}, on the session's row {row.chain}."
        )


def _hold_against_marks(found: Findings, replica: Replica) -> None:
    """Every day that the session noted began where the run made again has it."""
    noted = {mark.date: mark for mark in marks(found.session.pk, replica.generation)}
    for mark in replica.days:
        if mark.date not in noted:
            found.differs("days", f"Generation {replica.generation} played {mark.date} without noting its beginning.")
        elif noted[mark.date] != mark:
            found.differs(
                "order", f"Before {mark.date} the chain is {mark.chain.hex()} after frame {mark.prev}: noted otherwise."
            )


def _hold_against_stream(found: Findings, replica: Replica, until: FrameId) -> None:
    """The frames that Redis still has, byte for byte. It may have lost some: readers get those made again."""
    before = dict(zip(replica.chains, [NO_CHAIN, *replica.chains.values()], strict=False))
    over = found.session.state in ENDED or replica.generation < found.session.run.generation
    for frame in published(found.session.pk, replica.generation):
        if frame.id > until and not over:
            return  # ahead of the row that was read
        made = replica.chains.get(frame.id)
        if made is None:
            found.differs("redis", f"Frame {frame.id} is in Redis, but journal and store give none.")
        elif (frame.chain, link(before[frame.id], frame.id, frame.body)) != (made, made):
            found.differs("redis", f"Frame {frame.id} in Redis is not the one that journal and store give.")
        found.published += 1


def _cuts(ids: Sequence[FrameId]) -> list[FrameId]:
    """Frames spread over the run, the last among them."""
    return [ids[len(ids) * part // CUTS - 1] for part in range(1, CUTS + 1)] if len(ids) >= CUTS else list(ids)


def _cut(found: Findings, recipe: Recipe, journal: Journal, replica: Replica, at: FrameId) -> None:
    """No look-ahead: what was published up to an instant is the same when nothing later exists."""
    clock = moment(at.ms)
    mark = next(mark for mark in reversed(replica.days) if mark.date <= recipe.calendar.session_date_of(clock))
    past = _without_later(journal, replica.generation, clock)
    tape = tape_of(recipe, past, mark.date, clock, generation=replica.generation)
    frames = list(day_bodies(tape, past, replica.generation, mark, at))
    other = next((frame.id for frame in frames if replica.chains.get(frame.id) != frame.chain), None)
    if other is None and (not frames or frames[-1].id != at):
        other = at
    found.cuts.append({"at": rfc3339(at.ms), "frames": len(frames), "identical": other is None})
    if other is not None:
        found.differs(
            "look-ahead", f"Look-ahead: without what is later than {rfc3339(at.ms)}, frame {other} is another."
        )


def _without_later(journal: Journal, generation: int, clock: dt.datetime) -> Journal:
    """The journal as it was at that instant; loads have no instant, their days are cut instead."""

    def known(entry: Entry) -> bool:
        return entry.generation < generation or (
            entry.generation == generation and (entry.clock is None or entry.clock < clock)
        )

    return Journal([entry for entry in journal.entries if known(entry)], journal.pinned)
