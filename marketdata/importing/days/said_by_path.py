"""What a file's folders and name say of its rows, beside what the rows say."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from marketdata.columns import BarColumns
from marketdata.exchange_calendar import ExchangeCalendar, calendar_of
from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.days.splitting import Split, SymbolDay
from marketdata.importing.files.partitions import partition_date, partition_symbol
from marketdata.symbols import caseless_key, clean_symbol
from marketdata.units import SECOND_NS

DATE = re.compile(r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<mark>[-_.]?)(?P<month>\d\d)(?P=mark)(?P<day>\d\d)(?!\d)")
ONE_DAY = dt.timedelta(days=1)


def refuse_other_folder(path: Path, parts: Split, exchange: str) -> None:
    """Raises UnreadableFile where the folders of a partitioned data set say another symbol or date than the rows."""
    folder, date = partition_symbol(path), partition_date(path)
    symbols = {caseless_key(day.symbol) for day in parts.days}
    if folder[:1].isalpha() and symbols != {caseless_key(clean_symbol(folder))}:
        said = ", ".join(sorted({day.symbol for day in parts.days})[:5])
        raise UnreadableFile(f"{path}: its rows are of {said}, its folder says {folder}: move it, or pass --as-is.")
    if date is None:
        return
    others = sorted(day.date for day in parts.days if abs(day.date - date) > ONE_DAY)
    if not others and date not in _dates(parts, calendar_of(exchange)):  # of UTC, an evening's rows are of the next day
        others = sorted(day.date for day in parts.days)
    if others:
        raise UnreadableFile(f"{path}: it has rows of {others[0]}, its folder says {date}: move it, or pass --as-is.")


def other_date(path: Path, parts: Split, exchange: str) -> str:
    """What to say of a name with one date, of which no row is: it may be the day on which the file was made."""
    found = {_date(match) for match in DATE.finditer(path.name)} - {None}
    dates = _dates(parts, calendar_of(exchange))
    if len(found) != 1 or found & dates:
        return ""
    (named,) = found
    first, last = min(day.date for day in parts.days), max(day.date for day in parts.days)
    return f"its name says {named}, its rows are of {first if first == last else f'{first} to {last}'}"


def _date(match: re.Match[str]) -> dt.date | None:
    try:
        return dt.date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        return None


def _dates(parts: Split, days: ExchangeCalendar) -> set[dt.date]:
    """All dates of the rows, by the exchange's days and by UTC."""
    return {date for day in parts.days for date in (day.date, *_utc_dates(day, days))}


def _utc_dates(day: SymbolDay, days: ExchangeCalendar) -> list[dt.date]:
    opened = days.trading_day(day.date).open
    rows = day.rows.offset if isinstance(day.rows, BarColumns) else day.rows.at // SECOND_NS
    return [(opened + dt.timedelta(seconds=int(row))).date() for row in (rows[0], rows[-1])]
