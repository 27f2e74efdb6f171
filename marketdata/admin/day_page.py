"""One stored day as a page and as a file: chart, minutes, rows, versions."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.http import HttpResponse

from marketdata import store
from marketdata.bar_json import points
from marketdata.chart_library import INTEGRITY
from marketdata.columns import BarColumns, Rows, TickColumns
from marketdata.exchange_calendar import calendar_of, place_of
from marketdata.gaps import find_gaps
from marketdata.intervals import parse_interval
from marketdata.kinds import KINDS, DayKind
from marketdata.ledger import BREAK, WORDS, words_of
from marketdata.models import DayVersion
from marketdata.quality import quality
from marketdata.units import SECOND_NS

SHOWN_ROWS = 400
VALUES = KINDS[DayKind.BARS].values


def context(day: DayVersion) -> dict[str, Any]:
    """What the page shows: of bars all of them as a chart, of every kind the first rows as a table."""
    bars = store.load_rows([day.pk])[0].bars if day.kind == DayKind.BARS else None
    rows: Rows = first_events(day) if bars is None else bars
    opened = int(day.open_at.timestamp())
    span = {"open": opened * 1000, "minutes": day.minutes}
    names = KINDS[day.kind]
    return {
        "day": day,
        "bars": None if bars is None else points(opened, bars),
        "days": [span],
        "heat": heat(day, span) if day.ledger and bars is not None else None,
        "words": words_of(has_break=BREAK in day.ledger),
        "gaps": gaps(day),
        "quality": quality_text(day),
        "traded": day.ledger.count("T"),
        "expected": len(day.ledger) - day.ledger.count(BREAK),
        "columns": [name.replace("_", " ") for name in (*names.values, *names.codes)],
        "rows": list(table(opened, rows)),
        "more": max(0, day.row_count - SHOWN_ROWS),
        "versions": versions(day),
        "interval_minutes": parse_interval(day.interval) if day.interval else 0,
        "chart_integrity": INTEGRITY,
        "zone": zone_of(day).key,
        "place": place_of(zone_of(day).key),
    }


def first_events(day: DayVersion) -> TickColumns:
    (stored,) = store.find_versions([day.pk])
    return store.load_range(stored, 0, min(SHOWN_ROWS, stored.row_count))


def heat(day: DayVersion, span: dict[str, int]) -> dict[str, Any]:
    found: dict[str, Any] = {"date": str(day.date), "since": 0, "upto": len(day.ledger), "left_out": 0}
    return found | span | {"rows": {day.instrument.symbol: day.ledger}}


def zone_of(day: DayVersion) -> ZoneInfo:
    return calendar_of(day.instrument.calendar).zone


def gaps(day: DayVersion) -> list[str]:
    """Minutes without a bar, in words and the exchange's time."""
    found, zone = [], zone_of(day)
    for gap in find_gaps(day.ledger, len(day.ledger)):
        minutes = (gap.start_minute, gap.end_minute - 1)
        first, last = ((day.open_at + dt.timedelta(minutes=minute)).astimezone(zone) for minute in minutes)
        span = f"{first:%H:%M}" if first == last else f"{first:%H:%M} to {last:%H:%M}"
        found.append(f"{span} {WORDS[gap.letter]}")
    return found


def quality_text(day: DayVersion) -> str:
    value = quality(day.ledger, len(day.ledger)).value
    return "n/a" if value is None else f"{value:.1%}"


def table(opened: int, rows: Rows) -> Iterator[tuple[str, ...]]:
    """The first rows as cells; times in UTC."""
    shown = rows.take(slice(0, SHOWN_ROWS))
    if isinstance(shown, BarColumns):
        start = np.datetime64(opened, "s") + shown.offset
        for at, *values in zip(start, *(getattr(shown, name) for name in VALUES), strict=True):
            yield (str(at)[11:16], *map(_cell, values))
    else:
        stamps = np.datetime64(opened * SECOND_NS, "ns") + shown.at
        for at, values, codes in zip(stamps, shown.values.T, shown.codes.T, strict=True):
            yield (str(at)[11:], *map(_cell, values), *(shown.words[code] for code in codes))


def versions(day: DayVersion) -> list[dict[str, Any]]:
    same = DayVersion.objects.same_day_as(day)
    names = ("pk", "version", "current", "row_count", "recorded_at", "known_at", "origin", "content_hash")
    return list(same.order_by("-version").values(*names))


def as_csv(day: DayVersion) -> HttpResponse:
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
