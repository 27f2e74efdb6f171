"""Heat maps of coverage for a terminal: characters that can be read without color, and colors where there are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from rich.text import Text

from marketdata.coverage.facts import DayFacts
from marketdata.coverage.summary import SymbolCoverage, covered, session_dates
from marketdata.ledger import BREAK

SHADES = ((1.0, "█", "green"), (0.98, "▓", "green"), (0.9, "▒", "yellow"), (0.5, "░", "dark_orange"), (0.0, "·", "red"))
LEGEND = "█ all  ▓ 98 %  ▒ 90 %  ░ half  · less  (blank: nothing stored)"
HALF_HOUR = 30
CLOCK_DAYS = 10
"""Up to so many days a symbol's map has a row a day and a column for each half hour."""
ROWS = 40
LABEL = 12


def heat_map(symbols: Sequence[SymbolCoverage], width: int) -> list[Text]:
    """Lines of the map that fits what is asked: a day's half hours, a symbol's months, or symbols by date."""
    if len(symbols) > 1:
        return _by_date(symbols, width - LABEL)
    (only,) = symbols
    return _by_half_hour(only) if len(only.days) <= CLOCK_DAYS else _by_month(only)


def _by_half_hour(symbol: SymbolCoverage) -> list[Text]:
    lines = [_head(f"{symbol.symbol}: half hours from the open")]
    for day in symbol.days:
        parts = [day.ledger[at : at + HALF_HOUR] for at in range(0, len(day.ledger), HALF_HOUR)]
        lines.append(_line(str(day.date), (_share(part) for part in parts)))
    return lines


def _by_month(symbol: SymbolCoverage) -> list[Text]:
    """A row a month, a column a trading day."""
    lines = [_head(f"{symbol.symbol}: trading days of each month")]
    held = {day.date: day for day in symbol.days}
    dates = session_dates(symbol.days[0].date, symbol.days[-1].date, symbol.days[0].exchange)
    for month, run in groupby(dates, lambda date: f"{date:%Y-%m}"):
        lines.append(_line(month, (_day_share(held.get(date)) for date in run)))
    return lines


def _by_date(symbols: Sequence[SymbolCoverage], width: int) -> list[Text]:
    """The least covered symbols, a column a date, or for several dates where there are more than fit."""
    dates = _axis(symbols)
    each = -(-len(dates) // max(width, 20))
    chunks = [dates[at : at + each] for at in range(0, len(dates), each)]
    many = f", {each} days a column" if each > 1 else ""
    lines = [_head(f"{dates[0]} to {dates[-1]}{many}")]
    for symbol in least_covered(symbols)[:ROWS]:
        held = {day.date: day for day in symbol.days}
        lines.append(_line(symbol.symbol, (_chunk_share(chunk, held) for chunk in chunks)))
    return lines


def least_covered(symbols: Sequence[SymbolCoverage]) -> list[SymbolCoverage]:
    return sorted(symbols, key=lambda symbol: (symbol.coverage.quality or 0, symbol.symbol))


def _axis(symbols: Sequence[SymbolCoverage]) -> list[dt.date]:
    """All trading days, or only those stored where they lie far apart."""
    stored = sorted({day.date for symbol in symbols for day in symbol.days})
    every = session_dates(stored[0], stored[-1])
    return every if len(every) <= 2 * len(stored) else stored


def _chunk_share(chunk: Sequence[dt.date], held: Mapping[dt.date, DayFacts]) -> float | None:
    days = [held[date] for date in chunk if date in held]
    return covered(days).quality if days else None


def _day_share(day: DayFacts | None) -> float | None:
    return None if day is None else _share(day.ledger)


def _share(letters: str) -> float | None:
    """None where the session does not trade."""
    expected = len(letters) - letters.count(BREAK)
    return sum(letters.count(letter) for letter in "TNF") / expected if expected else None


def _head(text: str) -> Text:
    return Text(f"{'':{LABEL}}{text}", style="dim")


def _line(label: str, shares: Iterator[float | None]) -> Text:
    line = Text(f"{label:<{LABEL}}")
    for share in shares:
        if share is None:
            line.append(" ")
        else:
            _, shade, color = next(step for step in SHADES if share >= step[0])
            line.append(shade, style=color)
    return line
