"""What upkeep does about a day: corrections announced, gaps reported, derived bars kept, the next day had."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence

from marketdata import store
from marketdata.calendar import TradingDay
from marketdata.derive import derive
from marketdata.errors import MarketDataError
from marketdata.gaps import feed_holes, find_gaps, shared_holes
from marketdata.intervals import DAY, interval_name
from marketdata.plurals import counted
from marketdata.providers.daily import daily_of, differences
from marketdata.store import LoadedDay, NewDay
from sessions import control
from sessions.announcing import announce
from sessions.models import Announcement
from streaming.engine.days.loading import PREFETCH_BEFORE_CLOSE, fetch_all_missing
from streaming.engine.days.recipe import Recipe
from streaming.upkeep.holding import HeldDay, Holding
from streaming.upkeep.likely_splits import report_likely_splits
from streaming.upkeep.problems import Problems, record_once

Kind = Announcement.Kind


def due(holding: Holding) -> bool:
    return bool(_newer(holding)) or _day_ended(holding) or _upcoming(holding) is not None


def do(holding: Holding, problems: Problems) -> Counter[str]:
    """What is due; of corrections, the day's end and the next day each whatever became of the others."""
    done: Counter[str] = Counter()
    rows: list[HeldDay] = []
    with problems.of(holding.session):
        if rows := _newer(holding):
            done["announced"] = _announce(holding, rows)
    with problems.of(holding.session):  # once the gaps are announced none of it is done again
        if _day_ended(holding) or (holding.day_is_over and rows):
            done["derived"] = _store_derived(holding)
        if _day_ended(holding):
            done["gaps"] = _report_gaps(holding)
            done["splits"] = report_likely_splits(holding)
    with problems.of(holding.session):
        if (upcoming := _upcoming(holding)) is not None:
            done["prefetched"] = _prefetch(holding, upcoming)
    return done


# --- corrections --------------------------------------------------------------------------------------


def _newer(holding: Holding) -> list[HeldDay]:
    """Days that a running session plays in an older version than the store has, and that were not announced to it."""
    session = holding.session
    if not session.is_live:
        return []
    announced = holding.announced.get((Kind.DAY_READY, holding.day.date), set())
    newer = (row for row in holding.held.values() if row.newest_id != row.id and row.newest_id not in announced)
    return [row for row in newer if row.newest_known_at or not session.as_known]


def _announce(holding: Holding, rows: Sequence[HeldDay]) -> int:
    days = {row.symbol: {"id": row.newest_id, "version": row.newest_version} for row in rows}
    control.day_ready(holding.session.pk, holding.day.date, days)
    return len(rows)


# --- a day that is over -------------------------------------------------------------------------------


def _day_ended(holding: Holding) -> bool:
    """The day is over, and nothing was said of it yet."""
    return holding.day_is_over and not holding.has_announced(Kind.GAPS, holding.day.date)


def _report_gaps(holding: Holding) -> int:
    """Say what the ledgers say: absent minutes per symbol, and holes of the whole feed."""
    day, session = holding.day, holding.session
    ledgers = {symbol: row.newest_ledger for symbol, row in holding.held.items()}
    gaps = {symbol: find_gaps(ledger, day.minutes) for symbol, ledger in ledgers.items()}
    absent = {symbol: sum(g.end_minute - g.start_minute for g in found) for symbol, found in gaps.items() if found}
    holes = feed_holes(ledgers) if len(ledgers) > 1 else []
    shared = shared_holes(ledgers)
    message = f"{day.date}: {_absence(absent, len(ledgers))}"
    if holes:
        message += f"; {counted(len(holes), 'minute')} absent in all of them (a hole in the feed)"
    if shared:
        lacking = sorted({symbol for symbols in shared.values() for symbol in symbols})
        message += f"; {counted(len(shared), 'minute')} absent at once in {', '.join(lacking)} (a hole in the feed)"
    differ = _daily_differences(holding)
    if differ:
        message += f"; the minutes of {', '.join(differ)} do not add up to the daily bar"
    data = {"absent": absent, "feed_holes": list(map(int, holes)), "shared_holes": shared, "daily": differ}
    announce(session, Kind.GAPS, day.date, message, data)
    return 1


def _absence(absent: Mapping[str, int], symbols: int) -> str:
    if not absent:
        return "no minute absent"
    return f"{counted(sum(absent.values()), 'minute')} absent, in {len(absent)} of {counted(symbols, 'symbol')}"


def _daily_differences(holding: Holding) -> dict[str, dict[str, list[float]]]:
    """Symbol → field → [of the minutes, of the daily bar that the source gave], where there is one and it differs."""
    daily = daily_of(holding.session.dataset_id, holding.day.date, list(holding.held))
    minutes = store.load_versions([holding.held[symbol].newest_id for symbol in daily])
    found = {s: differences(minutes[s].bars, holding.day.minutes, bar) for s, bar in sorted(daily.items())}
    return {symbol: differ for symbol, differ in found.items() if differ}


def _store_derived(holding: Holding) -> int:
    """Keep the derived bars of the finished day, for queries; unchanged ones are not written again."""
    recipe = Recipe.of(holding.session)
    stored = store.load_versions([row.newest_id for row in holding.held.values()]).values()
    given = daily_of(recipe.dataset.pk, holding.day.date, list(holding.held)) if DAY in recipe.widths else {}
    days = [
        _derived_day(row, holding.day, width)
        for width in recipe.widths
        for row in stored
        if width != DAY or row.symbol not in given
    ]
    return store.write_days(recipe.dataset.pk, days).days_written


def _derived_day(stored: LoadedDay, day: TradingDay, width: int) -> NewDay:
    made = derive(stored.bars, day.minutes, width, midday=day.midday)
    return NewDay(
        stored.instrument_id,
        day.date,
        made.columns,
        interval=interval_name(width),
        origin=f"derived from 1m version {stored.version}",
        made_from_bars=True,
    )


# --- the next day -------------------------------------------------------------------------------------


def _upcoming(holding: Holding) -> dt.date | None:
    """The window's next trading day, where it is time to have it and it was not had yet."""
    session, day = holding.session, holding.day
    assert session.run.clock is not None
    soon = session.speed == 0 or session.run.clock >= day.close - PREFETCH_BEFORE_CLOSE
    if not (session.is_live and soon and day.date < session.end_date):
        return None
    upcoming = session.calendar.next_trading_day(day.date).date
    if upcoming > session.end_date or holding.has_announced(Kind.PREFETCH, upcoming):
        return None
    return upcoming


def _prefetch(holding: Holding, upcoming: dt.date) -> int:
    """See that the store has the day; a failure is reported once for as long as it is the same."""
    session, symbols = holding.session, holding.session.active_symbols()
    try:
        reasons = fetch_all_missing(Recipe.of(session), symbols, upcoming)
    except MarketDataError as error:
        record_once(session, f"{upcoming}: {error}", "prefetch_failed", date=upcoming.isoformat())
        return 0
    message = f"{upcoming} is ready for {len(symbols) - len(reasons)} of {len(symbols)} symbols"
    announce(session, Kind.PREFETCH, upcoming, message, {"missing": reasons})
    return 1
