"""An exchange's sessions and holidays as `exchange_calendars` has them, kept in a file of VAR_DIR.

The library imports pandas: two seconds and 90 MB in each of several processes. So a process of its own asks it, once
for each exchange and version of the library, and all others read the file.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from marketdata.errors import UnknownExchange

FIRST = dt.date(1990, 1, 1)
LAST = dt.date(2035, 12, 31)
FORM = 2
"""Of the file: a file of another one is not read."""
BUILT_WITHIN_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """Each session's date, open and close; which open late or close early; the names of the holidays with a rule.

    `breaks`: from when to when a session is closed at midday, of the exchanges that are, e.g. Tokyo's.
    """

    zone: ZoneInfo
    sessions: list[tuple[dt.date, dt.datetime, dt.datetime]]
    late_opens: set[dt.date]
    early_closes: set[dt.date]
    holidays: dict[dt.date, str]
    breaks: dict[dt.date, tuple[dt.datetime, dt.datetime]]


def load(folder: Path, exchange: str) -> Schedule:
    """From the folder's file, which is made where it is not there or not readable; from the library where it cannot.

    Raises what the library raises for an exchange that it does not have.
    """
    path = folder / f"{exchange.replace('/', '-')}-{version('exchange_calendars')}-{FIRST.year}-{LAST.year}-{FORM}.json"
    try:
        return _decode(path.read_bytes())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        pass
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _build_elsewhere(exchange, path)
        return _decode(path.read_bytes())
    except (OSError, subprocess.SubprocessError):  # a read-only folder, or no such exchange
        return _decode(_encode(exchange))


def write(exchange: str, path: Path) -> None:
    """The file is there complete, or not at all."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_bytes(_encode(exchange))
    fresh.replace(path)


def _build_elsewhere(exchange: str, path: Path) -> None:
    project = str(Path(__file__).resolve().parents[1])
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (project, os.environ.get("PYTHONPATH"))))}
    command = [sys.executable, "-m", "marketdata.exchange_schedule", exchange, str(path)]
    nothing = subprocess.DEVNULL
    subprocess.run(command, env=env, check=True, timeout=BUILT_WITHIN_SECONDS, stdin=nothing, stderr=nothing)


def _decode(content: bytes) -> Schedule:
    kept = json.loads(content)
    return Schedule(
        ZoneInfo(kept["zone"]),
        [(dt.date.fromisoformat(date), _moment(opened), _moment(closed)) for date, opened, closed in kept["sessions"]],
        set(map(dt.date.fromisoformat, kept["late_opens"])),
        set(map(dt.date.fromisoformat, kept["early_closes"])),
        {dt.date.fromisoformat(date): name for date, name in kept["holidays"].items()},
        {dt.date.fromisoformat(date): (_moment(start), _moment(end)) for date, (start, end) in kept["breaks"].items()},
    )


def _moment(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _encode(exchange: str) -> bytes:
    """Bounds are explicit: the library's defaults are fixed at its import."""
    import exchange_calendars

    try:
        calendar: Any = exchange_calendars.get_calendar(exchange, start=_first(exchange), end=LAST)
    except exchange_calendars.errors.InvalidCalendarName as error:
        raise UnknownExchange(
            f"There is no calendar {exchange!r}: give a name of exchange_calendars, e.g. XNYS, XLON, XTKS, CMES, 24/7."
        ) from error
    table = calendar.schedule
    rows = zip(table.index, table["open"], table["close"], strict=True)
    breaks = table[["break_start", "break_end"]].dropna()
    rules = calendar.regular_holidays
    holidays = rules.holidays(FIRST, LAST, return_name=True) if rules is not None and rules.rules else {}
    kept = {
        "zone": str(calendar.tz),
        "sessions": [[_date(day), int(opened.timestamp()), int(closed.timestamp())] for day, opened, closed in rows],
        "late_opens": [_date(day) for day in calendar.late_opens],
        "early_closes": [_date(day) for day in calendar.early_closes],
        "holidays": {_date(day): str(name) for day, name in holidays.items()},
        "breaks": {
            _date(day): [int(start.timestamp()), int(end.timestamp())]
            for day, start, end in zip(breaks.index, breaks["break_start"], breaks["break_end"], strict=True)
        },
    }
    return json.dumps(kept).encode()


def _first(exchange: str) -> dt.date:
    """Some exchanges' rules are known from a later year on."""
    import exchange_calendars

    known = exchange_calendars.get_calendar(exchange, start="2020-01-01", end="2020-12-31").bound_min()
    return max(FIRST, known.date()) if known is not None else FIRST


def _date(stamp: Any) -> str:
    return f"{stamp:%Y-%m-%d}"


if __name__ == "__main__":
    write(sys.argv[1], Path(sys.argv[2]))
