"""What is odd about a dataset, in words, found in its days. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from marketdata.actions.likely import likely_split
from marketdata.coverage.facts import DayFacts
from marketdata.coverage.summary import DayCoverage, SymbolCoverage
from marketdata.exchange_calendar import calendar_of, place_of
from marketdata.plurals import counted

THIN = 0.5
"""The share of its minutes: a symbol that trades in less is thin."""
NAMED = 6


class Note(NamedTuple):
    kind: str
    text: str


def notes(
    symbols: Sequence[SymbolCoverage], days: Sequence[DayCoverage], splits: Collection[tuple[str, dt.date]] = ()
) -> list[Note]:
    """`splits`: symbol and ex date of those that are known."""
    makers = (_half_days(days), _holes(days), _late(symbols), _volumes(symbols), _thin(symbols))
    rest = (_missing_days(symbols), _gaps(symbols), _outside(symbols), _steps(symbols, splits))
    return [note for maker in (*makers, *rest) for note in maker]


def _half_days(days: Sequence[DayCoverage]) -> Iterator[Note]:
    for day in days:
        days_of = calendar_of(day.exchange)
        session = days_of.trading_day(day.date)
        if session.opens_late:
            opened, closed = (f"{at.astimezone(days_of.zone):%H:%M}" for at in (session.open, session.close))
            yield Note("late open", f"{day.date} is open from {opened} to {closed}: {day.minutes} minutes.")
        elif session.closes_early:
            yield Note("half day", f"{day.date} is a half day: {day.minutes} minutes.")


def _holes(days: Sequence[DayCoverage]) -> Iterator[Note]:
    for day in days:
        place = place_of(calendar_of(day.exchange).zone.key)
        for hole in day.feed_holes:
            yield Note("feed hole", f"{day.date} {_run(hole)} {place}: all {day.symbols} symbols lack it.")
        for shared in day.shared_holes:
            when = ", ".join(map(_run, shared.minutes))
            held = f"{len(shared.symbols)} of {day.symbols} symbols lack {_agreeing(len(shared.minutes), 'it', 'them')}"
            yield Note("feed hole", f"{day.date} {when} {place}: {held} together: {', '.join(shared.symbols)}.")


def _run(minutes: tuple[str, str]) -> str:
    first, last = minutes
    return f"{first}-{last}" if first != last else first


def _late(symbols: Sequence[SymbolCoverage]) -> Iterator[Note]:
    for symbol in symbols:
        for day in symbol.days:
            if day.late:
                text = f"{day.date} {symbol.symbol}: {_bars(day.late)} after the early close"
                yield Note("after early close", f"{text}, up to {day.late_swing:.1%} away from it.")


def _volumes(symbols: Sequence[SymbolCoverage]) -> Iterator[Note]:
    without = [s.symbol for s in symbols if s.coverage.bars and s.coverage.null_volume == s.coverage.bars]
    if without:
        yield Note("null volume", f"No volume in any bar of {_names(without)}.")
    partly = [s.symbol for s in symbols if 0 < s.coverage.null_volume < s.coverage.bars]
    if partly:
        yield Note("null volume", f"No volume in some bars of {_names(partly)}.")
    zero = [s.symbol for s in symbols if s.coverage.bars and s.coverage.zero_volume == s.coverage.bars]
    if zero:
        yield Note("zero volume", f"Volume 0 in every bar of {_names(zero)}: an index?")
    some = [s for s in symbols if 0 < s.coverage.zero_volume < s.coverage.bars]
    if some:
        bars = sum(s.coverage.zero_volume for s in some)
        yield Note("zero volume", f"Volume 0 in {_bars(bars)} of {_names([s.symbol for s in some])}.")


def _thin(symbols: Sequence[SymbolCoverage]) -> Iterator[Note]:
    thin = [s for s in symbols if s.coverage.quality is not None and s.coverage.quality < THIN]
    for symbol in thin[:NAMED]:
        yield Note("thin", f"{symbol.symbol} has a bar in {symbol.coverage.quality:.1%} of its minutes.")
    if len(thin) > NAMED:
        yield Note("thin", f"{_more(len(thin) - NAMED, 'has', 'have')} a bar in less than half of the minutes.")


def _missing_days(symbols: Sequence[SymbolCoverage]) -> Iterator[Note]:
    missing = [s for s in symbols if s.missing_days]
    for symbol in missing[:NAMED]:
        dates = [str(date) for date in symbol.missing_days]
        yield Note("missing day", f"{symbol.symbol} lacks {_days(len(dates))} within its own: {_names(dates)}.")
    if len(missing) > NAMED:
        yield Note("missing day", f"{_more(len(missing) - NAMED, 'lacks', 'lack')} trading days.")


def _gaps(symbols: Sequence[SymbolCoverage]) -> Iterator[Note]:
    """Not of thin symbols, which lack more minutes than they have."""
    lacking = [s for s in symbols if s.coverage.letters["A"] + s.coverage.letters["M"] and _is_dense(s)]
    if not lacking:
        return
    minutes = sum(s.coverage.letters["A"] + s.coverage.letters["M"] for s in lacking)
    worst = max((day for s in lacking for day in s.days), key=lambda day: _absent(day))
    text = (
        f"{len(lacking)} of {counted(len(symbols), 'symbol')} {_agreeing(len(lacking), 'lacks', 'lack')} {minutes:,} "
    )
    text += _agreeing(minutes, "minute", "minutes")
    yield Note("missing minutes", f"{text}; most on {worst.date}: {worst.symbol} {_absent(worst)}.")


def _outside(symbols: Sequence[SymbolCoverage]) -> Iterator[Note]:
    bars = sum(s.coverage.outside for s in symbols)
    if bars:
        held = [s.symbol for s in symbols if s.coverage.outside]
        yield Note("outside session", f"{_bars(bars)} outside the regular session of {_names(held)}.")


def _steps(symbols: Sequence[SymbolCoverage], splits: Collection[tuple[str, dt.date]]) -> Iterator[Note]:
    for symbol in symbols:
        traded = [day for day in symbol.days if day.first_open and day.last_close]
        for before, after in pairwise(traded):
            text = _step(before, after)
            if text and (symbol.symbol, after.date) not in splits:
                yield Note("price step", f"{symbol.symbol} {text}")


def _step(before: DayFacts, after: DayFacts) -> str:
    assert before.last_close and after.first_open
    words = likely_split(before.last_close, after.first_open)
    if not words or calendar_of(before.exchange).next_trading_day(before.date).date != after.date:
        return ""
    close, opened = f"{before.last_close:g} ({before.date})", f"{after.first_open:g} ({after.date})"
    return f"goes from {close} to {opened}: {words}"


def _is_dense(symbol: SymbolCoverage) -> bool:
    return (symbol.coverage.quality or 0) >= THIN


def _absent(day: DayFacts) -> int:
    return day.ledger.count("A") + day.ledger.count("M")


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _agreeing(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


def _bars(count: int) -> str:
    return f"{count:,} {_agreeing(count, 'bar', 'bars')}"


def _days(count: int) -> str:
    return f"{count} trading {_agreeing(count, 'day', 'days')}"


def _more(count: int, does: str, do: str) -> str:
    return f"{count} more {_agreeing(count, f'symbol {does}', f'symbols {do}')}"
