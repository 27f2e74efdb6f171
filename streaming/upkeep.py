"""Upkeep: gaps, derived bars, quality and the next day's data, for every live session.

Idempotent and bounded; one advisory lock per session, so a second run walks away. It changes the store only:
the coordinator alone loads, holds and lets go.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence

from django.db.models.functions import Now

from marketdata import calendar, store
from marketdata.calendar import TradingDay
from marketdata.derive import derive
from marketdata.errors import MarketDataError
from marketdata.gaps import feed_holes, find_gaps
from marketdata.intervals import interval_name
from marketdata.ledger import cut
from marketdata.quality import quality
from marketdata.store import NewDay, StoredDay
from sessions.models import ActiveStream, ServiceHeartbeat, Session, SessionEvent, State
from streaming import journal as journals
from streaming import lease
from streaming.db import alone
from streaming.loading import PREFETCH_BEFORE_CLOSE, Recipe, fetch_missing
from streaming.queues import queue_replay, queue_start

log = logging.getLogger(__name__)
LOCK_SPACE = 0x7A9E


def run() -> None:
    """One round over everything that is live, and over what was queued but never claimed."""
    for session_id in Session.objects.live().values_list("pk", flat=True):
        run_one(session_id)
    for session_id in Session.objects.claimable(lease.ttl()).values_list("pk", flat=True):
        queue_replay(session_id)
    for session_id in Session.objects.never_opened().values_list("pk", flat=True):
        queue_start(session_id)
    ServiceHeartbeat.objects.update_or_create(name="upkeep", defaults={"kind": "upkeep", "pid": 0, "seen_at": Now()})


def run_one(session_id: int) -> None:
    """Upkeep of one session; does nothing while another run holds its lock, or when nothing is visible yet."""
    with alone(LOCK_SPACE, session_id) as mine:
        session = Session.objects.select_related("dataset").filter(pk=session_id).first()
        if not mine or session is None or session.clock is None or session.state == State.FAILED:
            return
        recipe = Recipe.of(session)
        day = calendar.trading_day(calendar.session_date_of(session.clock))
        held = _held(session, day)
        _quality(session, day, held)
        if session.clock >= day.close:
            _report_gaps(session, day, held)
            _store_derived(recipe, day, held)
        if session.is_live:
            _prefetch(session, recipe, day, sorted(held))


def _held(session: Session, day: TradingDay) -> dict[str, StoredDay]:
    """The session's pinned days of that date."""
    pins = journals.read(session.pk).pins(day.date)
    return store.load_versions([pinned for pinned in pins.values() if pinned is not None])


def visible_minutes(day: TradingDay, clock: dt.datetime) -> int:
    """Session minutes that are over at the clock."""
    return min(day.minutes, max(0, int((clock - day.open).total_seconds() // 60)))


def _quality(session: Session, day: TradingDay, held: Mapping[str, StoredDay]) -> None:
    """Write each stream's quality up to the visible clock, where it changed."""
    assert session.clock is not None
    minutes = visible_minutes(day, session.clock)
    changed: list[ActiveStream] = []
    for stream in session.streams.select_related("instrument"):
        stored = held.get(stream.instrument.symbol)
        if stored is None:
            continue
        seen = quality(cut(stored.ledger, minutes), minutes)
        if stream.quality != seen.value:
            stream.quality = seen.value
            changed.append(stream)
    ActiveStream.objects.bulk_update(changed, ["quality"], batch_size=500)


def _report_gaps(session: Session, day: TradingDay, held: Mapping[str, StoredDay]) -> None:
    """Once a day is over, say what its ledger says: absent minutes per symbol, and holes of the whole feed."""
    if _already(session, "gaps", day.date):
        return
    gaps = {symbol: find_gaps(stored.ledger, day.minutes) for symbol, stored in held.items()}
    absent = {symbol: sum(g.end_minute - g.start_minute for g in found) for symbol, found in gaps.items() if found}
    holes = feed_holes({symbol: stored.ledger for symbol, stored in held.items()}) if len(held) > 1 else []
    told = f"{day.date}: {sum(absent.values())} absent minutes in {len(absent)} of {len(held)} symbols"
    if holes:
        told += f"; {len(holes)} minutes absent in all of them (a hole in the feed)"
    session.record("gaps", told, date=day.date.isoformat(), absent=absent, feed_holes=list(map(int, holes)))


def _store_derived(recipe: Recipe, day: TradingDay, held: Mapping[str, StoredDay]) -> None:
    """Keep the derived bars of the finished day, for queries; unchanged ones are not written again."""
    for width in recipe.widths:
        days = [_derived_day(stored, day, width) for stored in held.values()]
        store.write_days(recipe.dataset.pk, days)


def _derived_day(stored: StoredDay, day: TradingDay, width: int) -> NewDay:
    made = derive(stored.bars, day.minutes, width)
    return NewDay(
        stored.instrument_id,
        day.date,
        made.columns,
        interval=interval_name(width),
        origin=f"derived from 1m version {stored.version}",
        n_present=made.n_present,
    )


def _prefetch(session: Session, recipe: Recipe, day: TradingDay, symbols: Sequence[str]) -> None:
    """See that the store has the window's next trading day when this one ends soon."""
    assert session.clock is not None
    upcoming = recipe.after(day.date)
    soon = session.speed == 0 or session.clock >= day.close - PREFETCH_BEFORE_CLOSE
    if upcoming is None or not soon or _already(session, "prefetch", upcoming.date):
        return
    try:
        reasons = fetch_missing(recipe, symbols, upcoming.date)
    except MarketDataError as error:
        session.record("prefetch_failed", f"{upcoming.date}: {error}", level="warning")
        return
    told = f"{upcoming.date} is ready for {len(symbols) - len(reasons)} of {len(symbols)} symbols"
    session.record("prefetch", told, date=upcoming.date.isoformat(), missing=reasons)


def _already(session: Session, kind: str, date: dt.date) -> bool:
    return SessionEvent.objects.filter(session=session, kind=kind, data__date=date.isoformat()).exists()
