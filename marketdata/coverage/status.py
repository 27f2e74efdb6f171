"""The status of the data: what command and API both show."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from marketdata.actions.known import Kind, actions_of
from marketdata.calendar import FIRST, LAST
from marketdata.coverage.facts import Question, day_facts
from marketdata.coverage.notes import Note, notes
from marketdata.coverage.summary import Coverage, DayCoverage, SymbolCoverage, by_day, by_symbol, covered
from marketdata.coverage.ticks import TickCoverage, tick_coverage, tick_coverage_as_dict
from marketdata.errors import MarketDataError
from marketdata.models import Dataset


@dataclass(frozen=True, slots=True)
class DatasetStatus:
    """`symbols` and `days` are those with bars: a dataset may have trades and quotes alone."""

    dataset: Dataset
    total: Coverage
    symbols: list[SymbolCoverage]
    days: list[DayCoverage]
    notes: list[Note]
    ticks: list[TickCoverage]


def data_status(question: Question, dataset: str = "") -> list[DatasetStatus]:
    """The status of one dataset, or of all that hold anything that is asked for. Raises MarketDataError."""
    found = list(_statuses(question, dataset))
    if not found and (dataset or question != Question()):
        what = ", ".join(question.symbols) or "any symbol"
        names = ", ".join(Dataset.objects.values_list("name", flat=True)) or "none yet"
        where = f"Dataset {dataset} has no days" if dataset else "No dataset has days"
        raise MarketDataError(f"{where} of {what} then: the datasets are {names}.")
    return found


def _statuses(question: Question, dataset: str) -> Iterator[DatasetStatus]:
    for one in Dataset.objects.filter(**({"name": dataset} if dataset else {})):
        facts, ticks = day_facts(one, question), tick_coverage(one, question)
        if facts or ticks:
            symbols, days = by_symbol(facts), by_day(facts)
            yield DatasetStatus(one, covered(facts), symbols, days, notes(symbols, days, _splits(symbols)), ticks)


def _splits(symbols: Sequence[SymbolCoverage]) -> set[tuple[str, dt.date]]:
    """Symbol and ex date of the stored ones."""
    found = actions_of([symbol.symbol for symbol in symbols], FIRST, LAST, [Kind.SPLIT])
    return {(symbol, action.ex_date) for symbol, actions in found.items() for action in actions}


def as_dict(status: DatasetStatus, *, detail: bool) -> dict[str, Any]:
    """For JSON; `detail` adds every symbol and every day."""
    found = {
        "dataset": status.dataset.name,
        "synthetic": status.dataset.synthetic,
        "symbol_count": len(status.symbols),
        "day_count": len(status.days),
        "first": status.days[0].date.isoformat() if status.days else None,
        "last": status.days[-1].date.isoformat() if status.days else None,
        **_coverage(status.total),
        "ticks": [tick_coverage_as_dict(coverage, detail=detail) for coverage in status.ticks],
        "notes": [note._asdict() for note in status.notes],
    }
    if detail:
        found["symbols"] = [_symbol(symbol) for symbol in status.symbols]
        found["days"] = [_day(day) for day in status.days]
    return found


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        "expected": coverage.expected,
        "letters": coverage.letters,
        "quality": coverage.quality,
        "bars": coverage.bars,
        "outside_session": coverage.outside,
        "after_early_close": coverage.late,
        "null_volume": coverage.null_volume,
        "zero_volume": coverage.zero_volume,
        "longest_gap": coverage.longest_gap,
    }


def _symbol(symbol: SymbolCoverage) -> dict[str, Any]:
    return {
        "symbol": symbol.symbol,
        "first": symbol.days[0].date.isoformat(),
        "last": symbol.days[-1].date.isoformat(),
        "day_count": len(symbol.days),
        "half_days": symbol.half_days,
        "missing_days": [date.isoformat() for date in symbol.missing_days],
        **_coverage(symbol.coverage),
    }


def _day(day: DayCoverage) -> dict[str, Any]:
    return {
        "date": day.date.isoformat(),
        "minutes": day.minutes,
        "symbol_count": day.symbols,
        "feed_holes": [list(hole) for hole in day.feed_holes],
        "shared_holes": [
            {"minutes": list(map(list, minutes)), "symbols": names} for minutes, names in day.shared_holes
        ],
        **_coverage(day.coverage),
    }


def within(start: dt.date | None, end: dt.date | None) -> tuple[dt.date, dt.date]:
    """Bounds of a question. Raises MarketDataError."""
    first, last = start or dt.date.min, end or dt.date.max
    if last < first:
        raise MarketDataError(f"The window ends ({end}) before it starts ({start}).")
    return first, last
