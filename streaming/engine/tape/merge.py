"""The merge: one day of many instruments in the order in which it becomes known, laid out stretch by stretch.

Order: `(available_at, quotes < trades < bars, shorter interval first, symbol, place in the source)`. Trades and quotes
are grouped by the session's clock step and go out at its end: never early, and within a step by their own stamps. Pure:
a function of the day's data, no clock; only the cursors read, as they are played.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marketdata.calendar import TradingDay
from marketdata.columns import BarColumns
from marketdata.hours import DAY_PARTS, DayPart
from marketdata.kinds import KINDS
from marketdata.units import MILLISECOND_NS, MINUTE_MS
from streaming.engine.frames.frame_id import FrameId, milliseconds
from streaming.engine.frames.laying_out import Blocks, Heads, Ints, lay_out
from streaming.engine.tape.bar_layers import Day, Layers, Names
from streaming.engine.tape.chunk_cursor import ChunkCursor, Schedule
from streaming.engine.tape.corrections import Correction, parts, revisions
from streaming.engine.tape.tick_layers import tick_groups

STRETCH_BYTES, STRETCH_FRAMES = 1 << 19, 2048
"""Most of one stretch, but for a single frame that is larger: controls are looked at between two."""
ROW_BYTES = 80
"""What a row takes, about, with its share of the heads."""
MERGE_ORDER = {kind.frame_number: kind.merge_order for kind in KINDS.values()}
"""By the number of a kind in frames; within a kind blocks stay as they are: by part of the day, by width."""


class Laid(NamedTuple):
    """Frames laid out: their instants, where each ends, their bytes, and the index of the next frame of the tape."""

    ms: list[int]
    ends: list[int]
    body: bytes
    next: int


class Tape:
    """A day ready to be played: an ordered sequence of instants, and for each what becomes known at it.

    Whoever plays it asks for `instant(k)`, `first_after(ms)`, `body(k, …)` and the length; where its instants lie
    is the tape's own business.
    """

    def __init__(
        self,
        day: TradingDay,
        bars: Mapping[str, BarColumns],
        widths: Sequence[int],
        synthetic: bool,
        chunk_cursors: Sequence[ChunkCursor] = (),
        step_ms: int = MINUTE_MS,
        corrections: Sequence[Correction] = (),
    ) -> None:
        self.day, self.synthetic = day, synthetic
        self.symbols = sorted({*bars, *(cursor.symbol for cursor in chunk_cursors)})
        self.open_ms, self.close_ms = milliseconds(day.open), milliseconds(day.close)
        self.begin_ms, self.minutes = milliseconds(day.begin), day.minutes_before + day.minutes + day.minutes_after
        self.bar_count = sum(len(columns) for columns in bars.values())
        self.schedule, self.step_ms = Schedule(chunk_cursors), step_ms
        # A following day's first instant is the last of the one before.
        first = 1 if day.follows else -day.minutes_before
        minutes = np.arange(first, day.minutes + day.minutes_after + 1) * (MINUTE_MS // step_ms)
        self.steps = np.union1d(minutes, self.schedule.step) if chunk_cursors else minutes
        self._names = Names(self.symbols)
        self._masked: tuple[Collection[str], NDArray[np.bool_] | None] | None = None
        revised = revisions(day, bars, corrections, widths, synthetic) if corrections else {}
        self._revised_ms = {self.open_ms + minute * MINUTE_MS: events for minute, events in revised.items()}
        self._opens_ms = self.instant(0) if day.follows else self.open_ms
        played = parts(bars, corrections, day)
        layers = Layers(day, played, self.symbols, spliced=len(played) > len(bars)) if bars else None
        self.layers = layers.made(widths) if layers else []
        self._day = Day(self.open_ms, day.minutes, synthetic)
        self._average = 100 + ROW_BYTES * (self.bar_count + self.schedule.count) / len(self.steps)
        self._weight = self._average
        """Bytes an instant, about, where it is played: it says how many make a stretch."""

    @property
    def corrected(self) -> bool:
        """Whether corrections came while the day was played."""
        return bool(self._revised_ms)

    def __len__(self) -> int:
        """Instants of the day: its beginning, every minute's end, and the steps between in which something happened."""
        return len(self.steps)

    def instant(self, k: int) -> int:
        """Frame k's clock in ms; strictly ascending in k."""
        return self.open_ms + int(self.steps[k]) * self.step_ms

    def frame_id(self, k: int, generation: int) -> FrameId:
        return FrameId(generation, self.instant(k), 0)

    def first_after(self, ms: int) -> int:
        """Index of the first frame later than `ms`; `len(self)` when the day is over by then."""
        return int(np.searchsorted(self.steps, (ms - self.open_ms) // self.step_ms, "right"))

    def minutes_before(self, k: int) -> int:
        """Minutes of the regular session that are over by the last frame before k, without a midday break's."""
        over = (self.instant(k - 1) - self.open_ms) // MINUTE_MS if k else 0
        over = min(max(over, 0), self.day.minutes)
        return over - max(min(over, self.day.midday.end) - self.day.midday.first, 0)

    def rows_before(self, k: int) -> int:
        """Rows of the minutes' layer that are known by the last frame before k."""
        over = (self.instant(k - 1) - self.begin_ms) // MINUTE_MS if k else 0
        return int(self.layers[0].first[over + 1])

    def seconds_left(self, k: int) -> float:
        """Market seconds from the last frame before k to the close; less than none after it."""
        return (self.close_ms - (self.instant(k - 1) if k else self.begin_ms)) / 1000

    def body(self, k: int, prev: FrameId | None, active: Collection[str]) -> bytes:
        """Frame k's bytes, with what the symbols that are active at that instant have.

        Empty where none of them has anything: there is then no frame k, and whoever plays goes on to the next.
        A minute's end always has a frame.
        """
        return self.lay(k, k + 1, prev, active).body

    def lay(self, first: int, last: int, prev: FrameId | None, active: Collection[str]) -> Laid:
        """Frames `first` up to `last` (excluded), or as many as make a stretch; the same symbols are active in all."""
        last = self._fitting(first, last)
        steps = self.steps[first:last]
        ms = self.open_ms + steps * self.step_ms
        since, within = np.divmod(ms - self.begin_ms, MINUTE_MS)
        ticks: list[Blocks] = []
        if self.schedule.chunk_cursors:
            open_ns = self.open_ms * MILLISECOND_NS
            ticks = tick_groups(self.schedule, steps, active, open_ns, synthetic=self.synthetic)
        there = within == 0
        for group in ticks:
            there[group.frame] = True
        if not there.any():
            return Laid([], [], b"", last)
        place = np.cumsum(there) - 1
        for group in ticks:
            group.frame = place[group.frame]
        bars = self._bar_blocks(since[within == 0], place[within == 0], active)
        heads = Heads(ms[there], self._parts_of(ms[there]), prev, self._extras(ms[there], active))
        body, ends = lay_out(heads, sorted([*ticks, *bars], key=_merge_order))
        self._weight = max(self._average, len(body) / len(steps))
        return self._cut(Laid(heads.ms.tolist(), ends.tolist(), body, last), first + np.flatnonzero(there))

    def _fitting(self, first: int, last: int) -> int:
        """How far a stretch goes from there: by its bytes, about, and while each cursor stays in one chunk."""
        last = min(last, first + STRETCH_FRAMES, first + max(1, int(STRETCH_BYTES / self._weight)))
        if last - first > 1 and self.schedule.chunk_cursors:
            reach = self.schedule.reach(int(self.steps[first]), int(self.steps[last - 1]))
            last = max(first + 1, int(np.searchsorted(self.steps, reach, "right")))
        return last

    @staticmethod
    def _cut(laid: Laid, indices: NDArray[np.intp]) -> Laid:
        """Without the frames that are far too many, where the instants were fuller than those before."""
        if len(laid.body) <= 2 * STRETCH_BYTES:
            return laid
        kept = max(1, int(np.searchsorted(laid.ends, STRETCH_BYTES, "right")))
        following = laid.next if kept == len(laid.ms) else int(indices[kept])
        return Laid(laid.ms[:kept], laid.ends[:kept], laid.body[: laid.ends[kept - 1]], following)

    def _parts_of(self, ms: Ints) -> NDArray[np.uint8]:
        """What becomes known at the open is the regular session's first, at the close its last."""
        pre, regular, post = (DAY_PARTS.index(part) for part in (DayPart.PRE, DayPart.REGULAR, DayPart.POST))
        return np.where(ms < self.open_ms, pre, np.where(ms > self.close_ms, post, regular)).astype(np.uint8)

    def next_frame(self, ms: int, active: Collection[str]) -> int:
        """The clock of the first frame at a moment or later, in ms; after the last one, the close."""
        for k in range(self.first_after(ms - 1), len(self)):
            clock_ms = self.instant(k)
            if (clock_ms - self.open_ms) % MINUTE_MS == 0 or self._has_ticks(int(self.steps[k]), active):
                return clock_ms
        return self.close_ms

    def _has_ticks(self, step: int, active: Collection[str]) -> bool:
        return any(cursor.symbol in active for cursor in self.schedule.between(step, step))

    def _extras(self, ms: Ints, active: Collection[str]) -> dict[int, list[dict[str, Any]]]:
        """Frame → what opens and closes the day, and what earlier bars are now known to have been."""
        found: dict[int, list[dict[str, Any]]] = {}
        for at in sorted({self._opens_ms, self.close_ms, *self._revised_ms}):
            frame = int(np.searchsorted(ms, at))
            if frame < len(ms) and ms[frame] == at and (events := self._extras_at(at, active)):
                found[frame] = events
        return found

    def _extras_at(self, clock_ms: int, active: Collection[str]) -> list[dict[str, Any]]:
        date = self.day.date.isoformat()
        if clock_ms == self._opens_ms:
            return [{"type": "day_open", "date": date, "minutes": self.day.expected_minutes}]
        changed = self._revised_ms.get(clock_ms, [])
        reported = [event for event in changed if event["symbol"] in active]
        return [*reported, {"type": "day_close", "date": date}] if clock_ms == self.close_ms else reported

    def _mask(self, active: Collection[str]) -> NDArray[np.bool_] | None:
        """Which symbols are active, None for all; asked for every frame, and nearly always the same."""
        if self._masked is None or self._masked[0] is not active:
            mask = np.array([symbol in active for symbol in self.symbols], dtype=bool)
            self._masked = active, None if mask.all() else mask
        return self._masked[1]

    def _bar_blocks(self, minutes: Ints, frame: Ints, active: Collection[str]) -> list[Blocks]:
        if not len(minutes):
            return []
        mask = self._mask(active)
        made = (layer.blocks(minutes, frame, mask, self._names, self._day) for layer in self.layers)
        return [blocks for blocks in made if blocks is not None]


def _merge_order(blocks: Blocks) -> int:
    return MERGE_ORDER[blocks.kind]
