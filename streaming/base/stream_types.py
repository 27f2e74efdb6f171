"""A session's stream types: bars, ticks (trades) and quotes. What a start asks for, and what the store has of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from marketdata import store
from marketdata.errors import MarketDataError
from marketdata.kinds import DayKind
from marketdata.models import Dataset
from marketdata.units import MINUTE_MS
from sessions.models import StreamType

ALIASES = {"trades": StreamType.TICKS}
DEFAULT_STEP_MS = 100


@dataclass(frozen=True, slots=True)
class Words:
    """How people call a type's events: one, several."""

    one: str
    many: str


WORDS = {
    StreamType.BARS: Words("bar", "bars"),
    StreamType.TICKS: Words("trade", "trades"),
    StreamType.QUOTES: Words("quote", "quotes"),
}


def words(stream_type: str) -> Words:
    return WORDS[StreamType(stream_type)]


class BadStreamType(MarketDataError):
    """Not one of bars, ticks, quotes; or a clock step that does not fit a minute."""


def parse_types(names: Iterable[str]) -> tuple[StreamType, ...]:
    """The types asked for, each once, in the order bars, ticks, quotes. Raises BadStreamType."""
    wanted: set[StreamType] = set()
    for name in names:
        folded = name.strip().lower()
        if folded not in (*StreamType.values, *ALIASES):
            raise BadStreamType(f"{name!r} is not a stream type: give bars, ticks (or trades) and quotes.")
        wanted.add(ALIASES.get(folded) or StreamType(folded))
    if not wanted:
        raise BadStreamType("No stream type was given: give at least one of bars, ticks and quotes.")
    return tuple(kind for kind in StreamType if kind in wanted)


def check_step(step_ms: int) -> None:
    """A step ends with every minute, so that no bar is out before its trades. Raises BadStreamType."""
    if not 1 <= step_ms <= MINUTE_MS or MINUTE_MS % step_ms:
        raise BadStreamType(
            f"A clock step of {step_ms} ms is not possible: give 1 to {MINUTE_MS} ms that fit a minute, e.g. 100."
        )


def dates_with(dataset_id: int, symbols: Sequence[str], types: Sequence[str]) -> list[dt.date]:
    """Dates, ascending, on which the dataset has all the types of all the symbols."""
    found = [
        set(
            store.dates_with(dataset_id, symbols) if kind == StreamType.BARS else _tick_dates(dataset_id, symbols, kind)
        )
        for kind in types
    ]
    return sorted(set.intersection(*found)) if found else []


def last_date_with_any(dataset_id: int, symbols: Sequence[str], types: Sequence[str], until: dt.date) -> dt.date | None:
    """The newest date, `until` at the latest, on which the dataset has something of any of the symbols."""
    kinds = [DayKind.BARS if kind == StreamType.BARS else DayKind(kind) for kind in types]
    return store.newest_date(dataset_id, symbols, kinds, until)


def _tick_dates(dataset_id: int, symbols: Sequence[str], kind: str) -> list[dt.date]:
    return store.dates_with(dataset_id, symbols, kind=DayKind(kind))


def choose_dataset(symbols: Sequence[str], types: Sequence[str], date: dt.date | None) -> Dataset | None:
    """The dataset for these: real before synthetic, then the most complete, then the latest."""
    if tuple(types) == (StreamType.BARS,):
        return store.choose_dataset(symbols, date)
    best: tuple[tuple[bool, int, dt.date], Dataset] | None = None
    for dataset in Dataset.objects.all():
        dates = [day for day in dates_with(dataset.pk, symbols, types) if date is None or day == date]
        if dates and (best is None or (not dataset.synthetic, len(dates), dates[-1]) > best[0]):
            best = (not dataset.synthetic, len(dates), dates[-1]), dataset
    return best[1] if best else None


def in_words(types: Sequence[str]) -> str:
    """bars, trades and quotes."""
    names = [words(kind).many for kind in types]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
