"""Which minutes each file of a run has: two that say other things of the same ones are refused together.

A claim takes 36 bytes, so that a year of a whole market - millions of symbol-days - fits in memory; what files say of a
day is read back from the spool where two of them meet.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np

from marketdata.columns import BarColumns, Ints, Rows, TickColumns
from marketdata.importing.days.digests import digests
from marketdata.importing.days.splitting import SymbolDay
from marketdata.kinds import KINDS

NOISE = 1e-5
"""A hundred-thousandth of a price is a float's noise, and no other price."""


@dataclass(frozen=True, slots=True)
class Clash:
    """Two files, by their numbers, and the first moment of which they say other things.

    `day`: one file's; `at`: nanoseconds from the open; `says`: what the two files say.
    """

    files: tuple[int, int]
    day: SymbolDay
    at: int
    says: tuple[str, str]


class Claims:
    """Every file's symbol-days, with the first and the last stamp of each."""

    def __init__(self) -> None:
        self._key, self._first, self._last, self._place = (array("q") for _ in range(4))
        self._file = array("i")

    def __len__(self) -> int:
        return len(self._key)

    def add(self, file: int, dataset: str, day: SymbolDay, place: int) -> None:
        """`place`: where the day is to be read back from."""
        rows = day.rows
        time = rows.offset if isinstance(rows, BarColumns) else rows.at
        derived = isinstance(rows, TickColumns) and rows.derived
        key = "\0".join([dataset, day.symbol, day.date.isoformat(), day.scope, str(rows.kind), str(derived)])
        self._key.append(int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big", signed=True))
        self._file.append(file)
        self._first.append(int(time[0]))
        self._last.append(int(time[-1]))
        self._place.append(place)

    def places(self, first: int, last: int) -> list[int]:
        """The places of the claims from one number to another, which is excluded."""
        return self._place[first:last].tolist()

    def clashes(self, load: Callable[[int], SymbolDay]) -> Iterator[Clash]:
        """Pairs of files that say other things of the same time; of a pair each symbol-day's first."""
        for one, other in self._overlapping():
            here, there = load(self._place[one]), load(self._place[other])
            found = first_difference(here.rows, there.rows)
            if found:
                at, *says = found
                yield Clash((self._file[one], self._file[other]), here, at, (says[0], says[1]))

    def _overlapping(self) -> Iterator[tuple[int, int]]:
        """Claims of different files for one symbol-day whose spans have a stamp in common, the earlier file first."""
        key, file = np.array(self._key, np.int64), np.array(self._file, np.int64)
        first, last = np.array(self._first, np.int64), np.array(self._last, np.int64)
        order = np.lexsort((file, first, key))
        again = np.flatnonzero(key[order][1:] == key[order][:-1])
        open_claims: list[int] = []
        before = -2
        for at in again.tolist():
            one, other = int(order[at]), int(order[at + 1])
            open_claims = [*open_claims, one] if at == before + 1 else [one]
            before = at
            open_claims = [claim for claim in open_claims if last[claim] >= first[other]]
            for claim in open_claims:
                if file[claim] != file[other]:
                    yield (claim, other) if file[claim] < file[other] else (other, claim)


def first_difference(here: Rows, there: Rows) -> tuple[int, str, str] | None:
    """The first moment at which the two differ, in nanoseconds from the open, and what each has there."""
    if isinstance(here, BarColumns) and isinstance(there, BarColumns):
        return _other_bar(here, there)
    assert isinstance(here, TickColumns) and isinstance(there, TickColumns)
    return _other_event(here, there)


def _other_bar(here: BarColumns, there: BarColumns) -> tuple[int, str, str] | None:
    both, mine, theirs = np.intersect1d(here.offset, there.offset, assume_unique=True, return_indices=True)
    other = np.zeros(len(both), dtype=bool)
    for name in KINDS[here.kind].values:
        one, two = getattr(here, name)[mine], getattr(there, name)[theirs]
        other |= ~np.isnan(one) & ~np.isnan(two) & ~np.isclose(one, two, rtol=NOISE, atol=0)
    if not other.any():
        return None
    at = int(np.argmax(other))
    unit = KINDS[here.kind].time_unit_ns
    return int(both[at]) * unit, _bar(here, int(mine[at])), _bar(there, int(theirs[at]))


def _bar(bars: BarColumns, row: int) -> str:
    prices = "/".join(f"{getattr(bars, name)[row]:g}" for name in ("open", "high", "low", "close"))
    volume = bars.volume[row]
    return prices if np.isnan(volume) else f"{prices}, volume {volume:,.12g}"


def _other_event(here: TickColumns, there: TickColumns) -> tuple[int, str, str] | None:
    """Within the time that both files cover; at its two ends each may have the part that was cut there."""
    low, high = max(here.at[0], there.at[0]), min(here.at[-1], there.at[-1])
    mine, theirs = (_numbers(rows.take((rows.at > low) & (rows.at < high))) for rows in (here, there))
    one, two = digests(mine), digests(theirs)
    if len(one) == len(two) and np.array_equal(np.sort(one), np.sort(two)):
        return None
    stamps = [_surplus(mine.at, one, two), _surplus(theirs.at, two, one)]
    at = min(int(found.min()) for found in stamps if len(found))
    return at, _events(mine, at), _events(theirs, at)


def _numbers(rows: TickColumns) -> TickColumns:
    """Without exchanges, conditions and flags, which two exports of one event may write differently."""
    return replace(rows, codes=np.zeros_like(rows.codes), flags=np.zeros_like(rows.flags), words=("",))


def _surplus(at: Ints, keys: np.ndarray, others: np.ndarray) -> Ints:
    """Stamps of events that the others do not have, or not as often."""
    known, which, often = np.unique(keys, return_inverse=True, return_counts=True)
    there, times = np.unique(others, return_counts=True)
    have = dict(zip(there.tolist(), times.tolist(), strict=True))
    more = np.array([count > have.get(key, 0) for key, count in zip(known.tolist(), often.tolist(), strict=True)], bool)
    return at[more[which]] if len(known) else at


def _events(rows: TickColumns, at: int) -> str:
    there = rows.take(rows.at == at)
    if not len(there):
        return "nothing"
    names = KINDS[rows.kind].values
    shown = " ".join(f"{name} {value:g}" for name, value in zip(names, there.values[:, 0], strict=True))
    return shown if len(there) == 1 else f"{shown} and {len(there) - 1} more"
