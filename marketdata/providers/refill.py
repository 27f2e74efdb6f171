"""Absent minutes are asked for again: what a filler's answer makes of a stored day and its ledger.

Attempts are kept per (dataset, instrument, day) in the database: finding the same gap again never resets them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from django.conf import settings
from django.db.models import F, Q

from marketdata import store
from marketdata.calendar import TradingDay
from marketdata.columns import BarColumns, Ints
from marketdata.errors import NoData, ProviderFailed, UnknownSymbol
from marketdata.ledger import merge
from marketdata.models import Dataset, DayVersion, FetchAttempt
from marketdata.providers.base import Provider, get_provider
from marketdata.providers.fetching import Inquiry, origin_of
from marketdata.providers.together import ask_together
from marketdata.store import LoadedDay, NewDay

OPEN = "AM"
"""Letters that an answer may still settle."""
LOCK_SECONDS = 300
Outcome = FetchAttempt.Outcome


@dataclass(frozen=True, slots=True)
class Refilled:
    """What one question came to, in minutes; `version`: the new one, where bars were added."""

    symbol: str
    outcome: str
    filled: int = 0
    proven: int = 0
    missing: int = 0
    version: int | None = None
    reason: str = ""


def filler_of(dataset: Dataset) -> Provider | None:
    """Who is asked for the dataset's absent minutes: its filler, else its provider, else nobody."""
    name = dataset.filler or dataset.provider
    return get_provider(name) if name in settings.MARKETDATA_PROVIDERS else None


def proves(filler: Provider, dataset: Dataset, origin: str) -> bool:
    """Whether the filler's answer settles an absent minute: the source's own silence, repeated, is no proof."""
    return filler.authoritative or not _is_source(filler, dataset, origin)


def _is_source(filler: Provider, dataset: Dataset, origin: str) -> bool:
    return filler.name == dataset.provider or origin.split(",")[0] == origin_of(filler.name)


def refill(
    dataset: Dataset, filler: Provider, wanted: Iterable[tuple[str, int]], day: TradingDay, now: dt.datetime
) -> list[Refilled]:
    """Ask once for the day's absent minutes of each (symbol, instrument) and settle what can be settled.

    Without those that somebody else is just asking for. They make one question where the filler takes such.
    """
    claims = [(symbol, _claim(dataset, filler, instrument, day.date, now)) for symbol, instrument in wanted]
    mine = [(symbol, attempt) for symbol, attempt in claims if attempt is not None]
    ahead = ask_together(filler, [symbol for symbol, _ in mine], [day])
    return [_refill(dataset, Inquiry(filler, symbol, ahead.get(symbol)), attempt, day, now) for symbol, attempt in mine]


def _refill(dataset: Dataset, inquiry: Inquiry, attempt: FetchAttempt, day: TradingDay, now: dt.datetime) -> Refilled:
    found: BarColumns | None = None
    outcome, reason = str(Outcome.ROWS), ""
    try:
        found = inquiry.day(day)
    except (NoData, UnknownSymbol) as error:
        outcome, reason = str(Outcome.NO_DATA), str(error)
    except ProviderFailed as error:
        outcome, reason = str(Outcome.FAILED), str(error)
    result = Refilled(inquiry.symbol, outcome, reason=reason)
    if outcome != Outcome.NO_DATA:
        result = _settle(dataset, inquiry.provider, day, found, result)
    _release(attempt, result, now)
    return result


# --- attempts -----------------------------------------------------------------------------------------


def _claim(dataset: Dataset, filler: Provider, instrument: int, date: dt.date, now: dt.datetime) -> FetchAttempt | None:
    """One more attempt, if one is left, its time has come and nobody else is at it."""
    attempt, _ = FetchAttempt.objects.get_or_create(
        dataset=dataset,
        instrument_id=instrument,
        date=date,
        provider=filler.name,
        purpose=FetchAttempt.Purpose.GAPS,
    )
    free = Q(locked_until=None) | Q(locked_until__lte=now)
    ripe = Q(next_at=None) | Q(next_at__lte=now)
    rows = FetchAttempt.objects.filter(free, ripe, pk=attempt.pk, attempts__lt=settings.REFILL_ATTEMPTS)
    mine = rows.update(attempts=F("attempts") + 1, last_at=now, locked_until=now + dt.timedelta(seconds=LOCK_SECONDS))
    if not mine:
        return None
    attempt.refresh_from_db()
    return attempt


def _release(attempt: FetchAttempt, result: Refilled, now: dt.datetime) -> None:
    """Note the answer; the next attempt, should there be reason for one, comes after twice the time."""
    wait = dt.timedelta(seconds=settings.REFILL_BACKOFF * 2 ** (attempt.attempts - 1))
    FetchAttempt.objects.filter(pk=attempt.pk).update(
        outcome=result.outcome, reason=result.reason, locked_until=None, next_at=now + wait
    )


# --- settling -----------------------------------------------------------------------------------------


def _settle(
    dataset: Dataset, filler: Provider, day: TradingDay, found: BarColumns | None, result: Refilled
) -> Refilled:
    """Merge the answer into the current version: added bars make a new one, letters alone are rewritten."""
    with store.writing(dataset.pk):
        stored = store.load_day(dataset.pk, day.date, [result.symbol]).get(result.symbol)
        if stored is None:
            return result
        origin = DayVersion.objects.values_list("origin", flat=True).get(pk=stored.id)
        lacking = _lacking(stored, found) if found is not None and _is_source(filler, dataset, origin) else 0
        if lacking:
            found, reason = None, f"its answer lacks {lacking} of the minutes that it gave before"
            result = replace(result, outcome=str(Outcome.FAILED), reason=reason)
        ledger = _merged(stored, found, proves=proves(filler, dataset, origin))
        version = _write(dataset, stored, day, found, ledger, f"{origin}, filled by {filler.name}")
    counts = {letter: _gained(stored.ledger, ledger, letter) for letter in "FNM"}
    return replace(result, filled=counts["F"], proven=counts["N"], missing=counts["M"], version=version)


def _lacking(stored: LoadedDay, found: BarColumns) -> int:
    """Minutes that the source gave before and does not now: such an answer is truncated."""
    traded = np.flatnonzero(np.frombuffer(stored.ledger.encode(), np.uint8) == ord("T"))
    return int((~np.isin(traded * 60, found.offset)).sum())


def _merged(stored: LoadedDay, found: BarColumns | None, *, proves: bool) -> str:
    """The ledger after the answer. One that ends before the stored day does says nothing of what comes after."""
    if found is None or not proves:
        return merge(stored.ledger, None if found is None else found.offset, proves=proves)
    last = int(found.offset[-1]) // 60
    if len(stored.bars) and int(stored.bars.offset[-1]) // 60 <= last:
        return merge(stored.ledger, found.offset, proves=True)
    known, rest = stored.ledger[: last + 1], stored.ledger[last + 1 :]
    return merge(known, found.offset, proves=True) + merge(rest, None, proves=True)


def _write(
    dataset: Dataset, stored: LoadedDay, day: TradingDay, found: BarColumns | None, ledger: str, origin: str
) -> int | None:
    """The new version's number, None where no bar was added."""
    filled = _positions(ledger, "F") * 60
    added = filled[~np.isin(filled, stored.bars.offset)]
    if found is None or not len(added):
        if ledger != stored.ledger:
            DayVersion.objects.filter(pk=stored.id).update(ledger=ledger)
        return None
    bars = _union(stored.bars, found.take(np.isin(found.offset, added)))
    store.write_days(dataset.pk, [NewDay(stored.instrument_id, day.date, bars, ledger=ledger, origin=origin)])
    return stored.version + 1


def _union(stored: BarColumns, added: BarColumns) -> BarColumns:
    columns = (np.concatenate([getattr(stored, name), getattr(added, name)]) for name in BarColumns.__slots__)
    both = BarColumns(*columns)
    return both.take(np.argsort(both.offset, kind="stable"))


def _positions(ledger: str, letter: str) -> Ints:
    return np.flatnonzero(np.frombuffer(ledger.encode(), np.uint8) == ord(letter)).astype(np.int64)


def _gained(before: str, after: str, letter: str) -> int:
    return sum(1 for old, new in zip(before, after, strict=True) if new == letter != old)
