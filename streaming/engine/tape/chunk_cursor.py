"""Trades and quotes on their way to the tape: read chunk by chunk, two chunks a stream in memory, never a day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from marketdata import store
from marketdata.columns import Ints, TickColumns, join_ticks, no_ticks
from marketdata.kinds import KINDS
from marketdata.store import Spans, StoredDay
from marketdata.units import MILLISECOND_NS
from streaming.base.db import connected

Load = Callable[[int], TickColumns]


class ChunkCursor:
    """One symbol's trades or quotes of a day, cut into clock steps.

    `steps`: the steps that have events, ascending; step s ends s × `step_ms` after the open and holds what happened
    after the step before it, up to and at its end. `extended`: the rows before the open and after the close, which
    are a stored day of their own. `follows`: the day begins where another ends: its first step has the
    open's events too.
    """

    def __init__(
        self,
        symbol: str,
        kind: str,
        spans: Spans,
        steps: NDArray[np.int32],
        step_ms: int,
        load: Load,
        ahead: bool,
        *,
        extended: bool = False,
        follows: bool = False,
    ) -> None:
        self.symbol, self.kind, self.spans, self.steps = symbol, kind, spans, steps
        self.step_ns = step_ms * MILLISECOND_NS
        self.load, self.ahead, self.extended, self.follows = load, ahead, extended, follows
        self.held: dict[int, TickColumns | Future[TickColumns]] = {}

    @property
    def count(self) -> int:
        """Events of the day, about: of its last chunk it is not known how many it has."""
        chunks = len(self.spans)
        return int(self.spans.before[-1]) * chunks // max(1, chunks - 1) if chunks else 0

    @property
    def merge_order(self) -> int:
        return KINDS[self.kind].merge_order

    def step_of(self, at: Ints) -> Ints:
        """The step at whose end an event is out."""
        step = -(-at // self.step_ns)
        return np.maximum(step, 1) if self.follows else step

    def between(self, first: int, last: int) -> TickColumns:
        """The events of some steps, both included, in the source's order."""
        after, until = (first - 1) * self.step_ns, last * self.step_ns
        if self.follows and first == 1:
            after = -1
        low = int(np.searchsorted(self.spans.last, after, "right"))
        high = int(np.searchsorted(self.spans.first, until, "right"))
        parts = [self._between(self._chunk(number), after, until) for number in range(low, high)]
        if not parts:
            return no_ticks(self.kind)
        return parts[0] if len(parts) == 1 else join_ticks(self.kind, parts)

    def reach(self, first: int, last: int) -> int:
        """The last step, up to `last`, until which all events from `first` on are in one chunk; `first` at least."""
        number = int(np.searchsorted(self.spans.last, (first - 1) * self.step_ns, "right")) + 1
        if number >= len(self.spans):
            return last
        return max(first, min(last, -(-int(self.spans.first[number]) // self.step_ns) - 1))

    def _between(self, chunk: TickColumns, first: int, last: int) -> TickColumns:
        low, high = np.searchsorted(chunk.at, [first, last], "right")
        return chunk.take(slice(int(low), int(high)))

    def count_until(self, step: int) -> tuple[int, TickColumns]:
        """How many events are out by the end of a step, and the last of them (none: an empty row)."""
        last = step * self.step_ns
        number = int(np.searchsorted(self.spans.first, last, "right")) - 1
        if number < 0:
            return 0, no_ticks(self.kind)
        chunk = self._chunk(number)
        row = int(np.searchsorted(chunk.at, last, "right"))
        return int(self.spans.before[number]) + row, chunk.take(slice(row - 1, row))

    def _chunk(self, number: int) -> TickColumns:
        """The chunk, and the next one on its way; others are dropped."""
        found = self.held.get(number)
        if found is None:
            found = self.load(number)
        elif isinstance(found, Future):
            found = found.result()
        self.held = {n: held for n, held in self.held.items() if n == number + 1}
        self.held[number] = found
        if self.ahead and number + 1 < len(self.spans) and number + 1 not in self.held:
            self.held[number + 1] = _pool().submit(_loaded, self.load, number + 1)
        return found


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="chunks")


def _loaded(load: Load, number: int) -> TickColumns:
    with connected():
        return load(number)


def stored_chunk_cursor(
    day: StoredDay,
    step_ms: int,
    known_by: int | None = None,
    played: tuple[int, int] | None = None,
    *,
    follows: bool = False,
) -> ChunkCursor:
    """The cursor of a stored day; `known_by` (nanoseconds from the open) leaves out what happened later.

    `played`: the steps in which a day of extended hours begins and ends; None for a regular session's.

    Its stamps are read once, a chunk at a time, to know the steps; its rows as they are played.
    """
    step_ns = step_ms * MILLISECOND_NS
    parts = [np.unique(-(-_until(at, known_by) // step_ns)).astype(np.int32) for at in store.stamps(day)]
    steps = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int32)
    if follows:
        steps = np.unique(np.maximum(steps, 1))
    if played:
        steps = steps[(steps >= played[0]) & (steps <= played[1])]
    # Within a transaction only its own connection sees the rows: there, nothing is read ahead.
    ahead = not connection.in_atomic_block

    def load(number: int) -> TickColumns:
        chunk = store.load_chunk(day, number)
        return chunk if known_by is None else chunk.take(chunk.at <= known_by)

    return ChunkCursor(
        day.symbol,
        day.kind,
        store.spans(day),
        steps,
        step_ms,
        load,
        ahead,
        extended=played is not None,
        follows=follows,
    )


def _until(at: Ints, known_by: int | None) -> Ints:
    return at if known_by is None else at[at <= known_by]


class Schedule:
    """Which cursors have events in which steps: one sorted list over all of them."""

    def __init__(self, chunk_cursors: Sequence[ChunkCursor]) -> None:
        self.chunk_cursors = sorted(
            chunk_cursors, key=lambda cursor: (cursor.merge_order, not cursor.extended, cursor.symbol)
        )
        # int64, as what is searched for: else every search would convert the whole of it.
        steps = [cursor.steps.astype(np.int64) for cursor in self.chunk_cursors]
        step = np.concatenate(steps) if steps else np.empty(0, np.int64)
        number = np.repeat(np.arange(len(steps), dtype=np.int16), [len(part) for part in steps])
        order = np.argsort(step, kind="stable")
        self.step, self.number = step[order], number[order]

    def between(self, first: int, last: int) -> list[ChunkCursor]:
        """The cursors with events in some steps, both included: quotes before trades, symbols ascending."""
        low, high = np.searchsorted(self.step, [first, last + 1])
        return [self.chunk_cursors[number] for number in np.unique(self.number[low:high]).tolist()]

    def reach(self, first: int, last: int) -> int:
        """The last step until which every cursor stays in the chunk that it begins in."""
        return min((cursor.reach(first, last) for cursor in self.between(first, last)), default=last)

    @property
    def count(self) -> int:
        """Events of the day, about."""
        return sum(cursor.count for cursor in self.chunk_cursors)
