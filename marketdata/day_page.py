"""One stored day as a page and as a file: chart, minutes, rows, versions."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

import numpy as np
from django.http import HttpResponse

from marketdata import calendar, store
from marketdata.chart_library import INTEGRITY
from marketdata.columns import BarColumns
from marketdata.gaps import find_gaps
from marketdata.intervals import parse_interval
from marketdata.ledger import WORDS
from marketdata.models import BarDay
from marketdata.quality import quality

SHOWN_ROWS = 400
VALUES = ("open", "high", "low", "close", "volume", "trade_count", "vwap")


def context(day: BarDay) -> dict[str, Any]:
    (stored,) = store.load_rows([day.pk])
    opened = int(day.open_at.timestamp())
    minutes = int((day.close_at - day.open_at).total_seconds() // 60)
    span = {"open": opened * 1000, "minutes": minutes}
    return {
        "day": day,
        "bars": points(opened, stored.bars),
        "days": [span],
        "heat": heat(day, span) if day.ledger else None,
        "words": WORDS,
        "gaps": gaps(day),
        "quality": quality_text(day),
        "columns": [name.replace("_", " ") for name in VALUES],
        "rows": list(rows(opened, stored.bars)),
        "more": max(0, len(stored.bars) - SHOWN_ROWS),
        "versions": versions(day),
        "interval_minutes": parse_interval(day.interval),
        "chart_integrity": INTEGRITY,
    }


def points(opened: int, bars: BarColumns) -> list[list[Any]]:
    """Bars as the chart takes them: start in seconds, open, high, low, close, volume."""
    start = (opened + bars.offset).tolist()
    volume = [None if np.isnan(value) else int(value) for value in bars.volume]
    prices = (bars.open.tolist(), bars.high.tolist(), bars.low.tolist(), bars.close.tolist())
    return [list(row) for row in zip(start, *prices, volume, strict=True)]


def heat(day: BarDay, span: dict[str, int]) -> dict[str, Any]:
    told: dict[str, Any] = {"date": str(day.date), "since": 0, "upto": len(day.ledger), "left_out": 0}
    return told | span | {"rows": {day.instrument.symbol: day.ledger}}


def gaps(day: BarDay) -> list[str]:
    """Minutes without a bar, in words and New York time."""
    told = []
    for gap in find_gaps(day.ledger, len(day.ledger)):
        first, last = (calendar.minute_of(day.open_at, n) for n in (gap.start_minute, gap.end_minute - 1))
        span = f"{first:%H:%M}" if first == last else f"{first:%H:%M} to {last:%H:%M}"
        told.append(f"{span} {WORDS[gap.letter]}")
    return told


def quality_text(day: BarDay) -> str:
    value = quality(day.ledger, len(day.ledger)).value
    return "n/a" if value is None else f"{value:.1%}"


def rows(opened: int, bars: BarColumns) -> Iterator[tuple[str, ...]]:
    """The first bars as cells; starts in UTC."""
    start = np.datetime64(opened, "s") + bars.offset[:SHOWN_ROWS]
    columns = [getattr(bars, name)[:SHOWN_ROWS] for name in VALUES]
    for at, *values in zip(start, *columns, strict=True):
        yield (str(at)[11:16], *(_cell(value) for value in values))


def versions(day: BarDay) -> list[dict[str, Any]]:
    same = BarDay.objects.filter(
        dataset=day.dataset_id, instrument=day.instrument_id, interval=day.interval, date=day.date, scope=day.scope
    )
    names = ("pk", "version", "current", "bar_count", "recorded_at", "known_at", "origin", "content_hash")
    return list(same.order_by("-version").values(*names))


def as_csv(day: BarDay) -> HttpResponse:
    """Exactly this version, one line a bar; starts in UTC."""
    (stored,) = store.load_rows([day.pk])
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"{day.instrument.symbol}_{day.date}_{day.interval}_v{day.version}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(answer)
    writer.writerow(("timestamp", *VALUES))
    start = np.datetime64(int(day.open_at.timestamp()), "s") + stored.bars.offset
    for at, *values in zip(start, *(getattr(stored.bars, name).tolist() for name in VALUES), strict=True):
        writer.writerow((f"{at}Z", *("" if value != value else _plain(value) for value in values)))
    return answer


def _plain(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{value:,.4f}".rstrip("0").rstrip(".")
