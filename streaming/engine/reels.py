"""Trades and quotes on their way to the tape: read chunk by chunk, two chunks a stream in memory, never a day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from marketdata.columns import Ints
from marketdata.ticks import store
from marketdata.ticks.columns import TickColumns, TickKind, empty, join
from marketdata.ticks.store import Spans, StoredTicks
from streaming.db import connected

Load = Callable[[int], TickColumns]
MS = 1_000_000
ORDER = {TickKind.QUOTES: 0, TickKind.TRADES: 1}
"""At one stamp quotes stand before trades."""


class Reel:
    """One symbol's trades or quotes of a day, cut into clock steps.

    `steps`: the steps that have events, ascending; step s ends s × `step_ms` after the open and holds what happened
    after the step before it, up to and at its end.
    """

    def __init__(
        self, symbol: str, kind: str, spans: Spans, steps: NDArray[np.int32], step_ms: int, load: Load, ahead: bool
    ) -> None:
        self.symbol, self.kind, self.spans, self.steps, self.step_ns = symbol, kind, spans, steps, step_ms * MS
        self.load, self.ahead = load, ahead
        self.held: dict[int, TickColumns | Future[TickColumns]] = {}

    def rows(self, step: int) -> TickColumns:
        """The events of a step, in the source's order."""
        first, last = (step - 1) * self.step_ns, step * self.step_ns
        low = int(np.searchsorted(self.spans.last, first, "right"))
        high = int(np.searchsorted(self.spans.first, last, "right"))
        parts = [self._between(self._chunk(number), first, last) for number in range(low, high)]
        if not parts:
            return empty(self.kind)
        return parts[0] if len(parts) == 1 else join(self.kind, parts)

    def _between(self, chunk: TickColumns, first: int, last: int) -> TickColumns:
        low, high = np.searchsorted(chunk.at, [first, last], "right")
        return chunk.take(slice(int(low), int(high)))

    def told(self, step: int) -> tuple[int, TickColumns]:
        """How many events are out by the end of a step, and the last of them (none: an empty row)."""
        last = step * self.step_ns
        number = int(np.searchsorted(self.spans.first, last, "right")) - 1
        if number < 0:
            return 0, empty(self.kind)
        chunk = self._chunk(number)
        row = int(np.searchsorted(chunk.at, last, "right"))
        return int(self.spans.before[number]) + row, chunk.take(slice(row - 1, row))

    def _chunk(self, number: int) -> TickColumns:
        """The chunk, and the next one on its way; others are let go."""
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


def stored_reel(day: StoredTicks, step_ms: int, known_by: int | None = None) -> Reel:
    """The reel of a stored day; `known_by` (nanoseconds from the open) leaves out what happened later.

    Its stamps are read once, a chunk at a time, to know the steps; its rows as they are played.
    """
    step_ns = step_ms * MS
    parts = [np.unique(-(-_until(at, known_by) // step_ns)).astype(np.int32) for at in store.stamps(day)]
    steps = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int32)
    # Within a transaction only its own connection sees the rows: there, nothing is read ahead.
    ahead = not connection.in_atomic_block

    def load(number: int) -> TickColumns:
        chunk = store.load_chunk(day, number)
        return chunk if known_by is None else chunk.take(chunk.at <= known_by)

    return Reel(day.symbol, day.kind, store.spans(day), steps, step_ms, load, ahead)


def _until(at: Ints, known_by: int | None) -> Ints:
    return at if known_by is None else at[at <= known_by]


class Schedule:
    """Which reels have events in which steps: one sorted list over all of them."""

    def __init__(self, reels: Sequence[Reel]) -> None:
        self.reels = sorted(reels, key=lambda reel: (ORDER[TickKind(reel.kind)], reel.symbol))
        # int64, as what is searched for: else every search would convert the whole of it.
        steps = [reel.steps.astype(np.int64) for reel in self.reels]
        step = np.concatenate(steps) if steps else np.empty(0, np.int64)
        reel = np.repeat(np.arange(len(steps), dtype=np.int16), [len(part) for part in steps])
        order = np.argsort(step, kind="stable")
        self.step, self.reel = step[order], reel[order]

    def at(self, step: int) -> list[Reel]:
        """The reels with events in a step: quotes before trades, symbols ascending."""
        low, high = np.searchsorted(self.step, [step, step + 1])
        return [self.reels[number] for number in self.reel[low:high].tolist()]
