"""A file's prices beside those of the days around it that the store has: a hundred times as high is another scale."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from marketdata.importing.base.refusals import Doubt, UnreadableFile
from marketdata.importing.days.splitting import SymbolDay
from marketdata.kinds import DayKind
from marketdata.models import CorporateAction, DayVersion, Scope

SCALES = (100, 1_000, 10_000)
NEAR = 1.25
"""How far from a scale the prices of days apart may be."""
DAYS_APART = dt.timedelta(days=14)
LEAST_BARS = 10
"""Of a file's day: fewer are too few to refuse a file for."""


class Step(NamedTuple):
    """From a stored day's price to one of the file."""

    symbol: str
    stored_on: dt.date
    stored: float
    found_on: dt.date
    found: float

    def is_a_scale(self, scale: float) -> bool:
        return 1 / NEAR <= self.found / self.stored / scale <= NEAR


def refuse_other_scale(path: Path, dataset: str, days: Iterable[SymbolDay]) -> None:
    """Raises Doubt where the file's prices are the store's times a scale, UnreadableFile where it is the other way."""
    for step in _steps(dataset, [day for day in days if day.scope == Scope.REGULAR and _is_telling(day)]):
        up = next((scale for scale in SCALES if step.is_a_scale(scale)), None)
        down = next((scale for scale in SCALES if step.is_a_scale(1 / scale)), None)
        if (up is None and down is None) or _was_split(step):
            continue
        what = (
            f"{path}: {step.symbol} is at {step.found:g} on {step.found_on}, and {dataset} has it at {step.stored:g} "
            f"on {step.stored_on}: {'' if up else 'one to '}{up or down:,} times as much, and no split is known"
        )
        if up is None:
            raise UnreadableFile(f"{what}: what is stored may be in another unit: undo that import, or pass --as-is.")
        raise Doubt(what, f"pass --scale {up}, or --as-is", option="scale", choices=(str(up),))


def _is_telling(day: SymbolDay) -> bool:
    return day.rows.kind == DayKind.BARS and len(day.rows) >= LEAST_BARS


def _steps(dataset: str, days: Sequence[SymbolDay]) -> Iterable[Step]:
    """Between the file's first and last day of each symbol and the nearest stored days, one query for all."""
    bounds: dict[str, list[SymbolDay]] = {}
    for day in sorted(days, key=lambda day: day.date):
        bounds.setdefault(day.symbol, [day, day])[1] = day
    if not bounds:
        return
    stored = _stored(dataset, bounds)
    for symbol, (first, last) in bounds.items():
        there = stored.get(symbol, {})
        if before := max((date for date in there if date <= first.date), default=None):
            end = "first_open" if before == first.date else "last_close"
            yield Step(symbol, before, there[before][end], first.date, float(first.bars.open[0]))
        if after := min((date for date in there if date > last.date), default=None):
            yield Step(symbol, after, there[after]["first_open"], last.date, float(last.bars.close[-1]))


def _stored(dataset: str, bounds: Mapping[str, Sequence[SymbolDay]]) -> dict[str, dict[dt.date, Mapping[str, float]]]:
    """Symbol → date → what is said of the day, of the two weeks before the first days and after the last."""
    first, last = (min(day.date for day, _ in bounds.values()), max(day.date for _, day in bounds.values()))
    near = DayVersion.objects.current().minutes().regular().filter(dataset__name=dataset)
    near = near.filter(instrument__symbol__in=list(bounds))
    around = near.filter(date__range=(first - DAYS_APART, first)) | near.filter(date__range=(last, last + DAYS_APART))
    found: dict[str, dict[dt.date, Mapping[str, float]]] = {}
    for symbol, date, summary in around.values_list("instrument__symbol", "date", "summary"):
        if summary.get("last_close") and summary.get("first_open"):
            found.setdefault(symbol, {})[date] = summary
    return found


def _was_split(step: Step) -> bool:
    between = sorted((step.stored_on, step.found_on))
    splits = CorporateAction.objects.filter(kind=CorporateAction.Kind.SPLIT, ex_date__gt=between[0])
    return splits.filter(ex_date__lte=between[1], instrument__symbol=step.symbol).exists()
