"""Doubts that no list of vendors knows: labels, zones, scales and symbols whose pattern says that they are misread."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from marketdata.columns import Floats, Ints
from marketdata.exchange_calendar import NEW_YORK_STOCKS, ExchangeCalendar
from marketdata.importing.base.decision import Fact
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import Doubt, UnreadableFile
from marketdata.importing.base.spellings import fold
from marketdata.importing.base.zones import LOOSE, out_of_season, seasonal
from marketdata.importing.dialects.dialect import Dialect
from marketdata.importing.guards.edges import Edges, only_dates
from marketdata.importing.guards.placement import Shift, has_whole_day
from marketdata.importing.stamps.stamp_columns import COUNTED, NAMED, OFFSET
from marketdata.symbols import caseless_key, symbol_key

HIGHEST_MEDIAN = 1_000_000
TICK, LEAST_DIFFERENT = 100, 20
"""A cent in ten-thousandths; fewer prices may be round by chance."""
LABELS = ("start", "end")
SEEN = {
    "start": "its sessions seem to begin with the stamp of the open",
    "end": "its sessions seem to begin a minute after the open",
}
TIME_WORDS = ("time", "ms_of_day", "clock", "hour", "seconds")


def decide_label(edges: Edges, form: FileForm, dialect: Dialect, path: Path) -> Fact:
    """Which end of its minute a stamp names. Raises Doubt where the stamps say another than vendor or person."""
    says, seen = _label_seen(edges)
    if form.label:
        if form.label == "end" and says == "start" and not form.as_is:
            raise _label_doubt(path, f"{seen}, which are the minutes' starts, and --label says end")
        return Fact(form.label, "--label")
    if dialect.label_unsure:
        if says:
            return Fact(says, seen)
        raise _label_doubt(
            path, f"{dialect.sign} are NinjaTrader's, which stamps ends, and others', which stamp starts"
        )
    if dialect.label:
        if says not in ("", dialect.label):
            raise _label_doubt(path, f"{dialect.name} stamps the {dialect.label} of a minute, and {seen}")
        return Fact(dialect.label, f"{dialect.name}: {dialect.sign}")
    if says == "end":
        raise _label_doubt(path, f"{seen}: its stamps seem to be the minutes' ends")
    if not says and edges.either and not form.as_is:
        raise _label_doubt(
            path, f"its days run {edges.either}: the minute of the open is absent, or as ends that of the close"
        )
    return Fact("start", seen if says else "nothing says otherwise")


def _label_seen(edges: Edges) -> tuple[str, str]:
    """What the stamps say, and by what."""
    if edges.ends > edges.starts:
        return "end", f"its days run {edges.span('end')}"
    if edges.starts:
        return "start", f"its days run {edges.span('start')}"
    says = edges.votes.says
    return says, SEEN.get(says, "")


def _label_doubt(path: Path, why: str) -> Doubt:
    return Doubt(f"{path}: {why}", "pass --label end or --label start", option="label", choices=LABELS)


def refuse_shifted(edges: Edges, form: FileForm, zone: Fact, path: Path) -> None:
    """Raises Doubt where a day lies whole hours beside its session."""
    found = None if form.as_is else edges.shifted()
    if found is not None:
        date, hours = found
        where = f"run from first to last exactly {_beside(hours)} than the session"
        raise _zone_doubt(path, f"on {date} its stamps, read in {zone.value}, {where}", zone)


def refuse_misplaced(shift: Shift | None, zone: Fact, path: Path) -> None:
    """Raises Doubt where rows seem to lie whole hours beside the session."""
    if shift is not None:
        seem = f"seem to lie {_beside(shift.hours)} than the session"
        raise _zone_doubt(path, f"from {shift.date} on its stamps, read in {zone.value}, {seem}: {shift.why}", zone)


def refuse_loose_word(stamp: Ints, days: ExchangeCalendar, zone: Fact, path: Path) -> None:
    """Raises Doubt where EST stands in summer and no whole day of its rows says which clock wrote it."""
    if zone.value not in LOOSE or not len(stamp):
        return
    first = dt.datetime.fromtimestamp(int(stamp.min()), dt.UTC)
    last = dt.datetime.fromtimestamp(int(stamp.max()), dt.UTC)
    if any(out_of_season(zone.value, each) for each in (first, last)) and not has_whole_day(stamp, days):
        raise _zone_doubt(path, f"its stamps say {zone.value} where the place's clocks show summer", zone)


def _beside(hours: int) -> str:
    unit = "1 hour" if abs(hours) == 1 else f"{abs(hours)} hours"
    return f"{unit} {'later' if hours > 0 else 'earlier'}"


def _zone_doubt(path: Path, why: str, zone: Fact) -> UnreadableFile:
    follows = "one that follows New York's is such as America/New_York+07:00"
    if zone.why == OFFSET:
        return UnreadableFile(f"{path}: {why}: correct the offsets in the file, or pass --as-is.")
    if zone.why == COUNTED:
        advice = f"where they count a server's clock and not UTC, pass its --tz ({follows})"
    elif seasonal(zone.value) and zone.value not in LOOSE:
        advice = f"where {zone.value} stands for a place's time all year, pass that place's --tz, e.g. Europe/Berlin"
    elif zone.why == NAMED or zone.value in LOOSE:
        advice = f"where {zone.value} stands for New York's time all year, pass --tz America/New_York"
    else:
        advice = f"pass the --tz in which they were written (a server's clock: {follows})"
    return Doubt(f"{path}: {why}", f"{advice}, or --as-is", option="tz", choices=("America/New_York", "UTC"))


def refuse_midnight(stamp: Ints, symbol: Ints, names: Sequence[str], unused: Sequence[str], path: Path) -> None:
    """Raises UnreadableFile where a time of day beside the date was not read. `stamp`: UTC seconds."""
    if not len(stamp) or not only_dates(stamp):
        return
    clocks = [name for name in unused if any(word in fold(name) for word in TIME_WORDS)]
    pairs = np.unique(np.stack([stamp, symbol]), axis=1).shape[1]
    if clocks:
        advice = f"{', '.join(clocks)} was not read: name it with --columns time={clocks[0]},…"
        raise UnreadableFile(f"{path}: all its stamps are at midnight, and {advice}.")
    if pairs < len(stamp):
        name = names[int(symbol[0])] if names else ""
        raise UnreadableFile(
            f"{path}: all its stamps are at midnight, many of {name} at the same: the time is not read."
        )


def refuse_scale(prices: Floats, form: FileForm, path: Path) -> None:
    """Raises Doubt for prices that no share has."""
    there = prices[np.isfinite(prices)]
    if form.as_is or form.scale or not len(there):
        return
    median = float(np.median(there))
    if median > HIGHEST_MEDIAN:
        raise Doubt(
            f"{path}: its median price is {median:,.0f}",
            "pass --scale, e.g. --scale 1000000000 for units of 1e-9, or --as-is",
            option="scale",
            choices=("1000000000", "10000"),
        )


def refuse_ten_thousandths(prices: Floats, form: FileForm, path: Path) -> None:
    """Raises Doubt for New York's prices that all stand as cents in ten-thousandths do."""
    there = prices[np.isfinite(prices)]
    if form.as_is or form.scale or form.exchange not in ("", NEW_YORK_STOCKS):
        return
    if _are_ten_thousandths(there):
        raise Doubt(
            f"{path}: its prices are whole numbers and all multiples of {TICK}, as of dollars times 10,000",
            "pass --scale 10000 where they are, or --as-is",
            option="scale",
            choices=("10000",),
        )


def _are_ten_thousandths(prices: Floats) -> bool:
    """Dollars and cents times 10,000 are multiples of 100; no share trades in steps of a hundred dollars."""
    different = np.unique(prices)
    return bool(len(different) >= LEAST_DIFFERENT and different[0] >= TICK and (different % TICK == 0).all())


def refuse_cases(names: Sequence[str], path: Path) -> None:
    """Raises UnreadableFile for symbols that differ only in case and are no known spelling of two securities."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(caseless_key(name), name)
        if other != name and symbol_key(other) != symbol_key(name):
            raise UnreadableFile(
                f"{path}: {other} and {name} differ only in case, and are not known to be two securities: "
                "give each a symbol of its own, or import them with --symbol from files of their own."
            )
