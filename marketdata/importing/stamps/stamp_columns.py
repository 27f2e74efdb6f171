"""Stamps as people and vendors write them, as UTC nanoseconds, with the zone and the unit that they were read in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.columns import Ints
from marketdata.importing.base.decision import Fact
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import Doubt, NotBars, UnreadableFile
from marketdata.importing.base.zones import LOOSE, Zone, agree, named_zone, parse_word, parse_zone, seasonal
from marketdata.importing.dialects.dialect import Dialect
from marketdata.importing.stamps.clocks import with_date
from marketdata.importing.stamps.epochs import epoch_nanoseconds, epoch_texts, refuse_other_counts, refuse_rounded
from marketdata.importing.stamps.stamp_texts import Texts, parse_texts
from marketdata.importing.stamps.time_columns import with_zone_column, with_zone_of

COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S", 17: "%Y%m%d%H%M%S%f"}
COUNTED, NAMED, OFFSET = "counted since the epoch", "named in the stamps", "an offset is in the stamps"
"""Why stamps are in their zone, where nobody said it."""
UNREAD = np.iinfo(np.int64).min
PROBES = (dt.datetime(2024, 1, 15, tzinfo=dt.UTC), dt.datetime(2024, 7, 15, tzinfo=dt.UTC))
"""A winter's and a summer's day, on which zones are compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """`at`: UTC nanoseconds since the epoch, `UNREAD` where a stamp cannot be read."""

    at: Ints
    zone: Fact
    units: str


def zone_note(moments: Moments, form: FileForm) -> str:
    """What to say of a zone that a person gave and that the stamps do not need."""
    if form.tz and moments.zone.why == OFFSET and form.tz != moments.zone.value:
        return f"--tz {form.tz} is not used: its stamps carry their own offset"
    return ""


def stamps(frame: pd.DataFrame, mapped: Mapping[str, str], form: FileForm, dialect: Dialect, path: Path) -> Moments:
    """Raises Doubt for stamps without a zone, or dates that can be read in two ways."""
    raw = frame[mapped["time"]]
    dialect = with_zone_of(dialect, mapped["time"], *([mapped["date"]] if "date" in mapped else []))
    dialect = with_zone_column(dialect, frame)
    if "date" in mapped:
        raw = with_date(_text(frame[mapped["date"]]), _text(raw), path)
    if pd.api.types.is_datetime64_any_dtype(raw):
        return _zoned(raw, "stamps", form, dialect, path)
    if pd.api.types.is_numeric_dtype(raw):
        return _from_numbers(raw, form, dialect, path)
    text = _text(raw)
    refuse_rounded(text, path)
    digits = text.str.fullmatch(r"\d+(?:\.\d+)?")
    if digits.sum() * 2 > (text != "").sum():
        return _from_numbers(text.where(digits, ""), form, dialect, path)
    return _from_texts(text, form, dialect, path)


def _from_texts(text: pd.Series, form: FileForm, dialect: Dialect, path: Path) -> Moments:
    order = form.date_order or dialect.date_order
    found = parse_texts(text, order, path)
    return _by_zone_words(found, form, dialect, path)


def _by_zone_words(found: Texts, form: FileForm, dialect: Dialect, path: Path) -> Moments:
    """Each row by the zone that it names; those that name none by the file's."""
    if found.words is None:
        return _zoned(found.moments, "stamps", form, dialect, path)
    at = np.full(len(found.moments), UNREAD)
    names = []
    for word in found.words.unique():
        mask = (found.words == word).to_numpy()
        if word == "":
            part = found.moments[mask]
            if not part.notna().any():
                continue
            plain = _zoned(part, "stamps", form, dialect, path)
            at[mask] = plain.at
            names.append(plain.zone.value)
            continue
        zone, name = _zone_of_word(str(word), form)
        if zone is not None:
            at[mask] = _nanoseconds(zone.to_utc(found.moments[mask]))
            names.append(name)
    return Moments(at, Fact(" and ".join(sorted(names)), NAMED), "stamps")


def _zone_of_word(word: str, form: FileForm) -> tuple[Zone | None, str]:
    """EST may stand for New York's time all year: --tz says so."""
    if word in LOOSE and form.tz and agree(LOOSE[word], form.tz, PROBES[0]):
        return parse_zone(form.tz), form.tz
    return parse_word(word), word


def _zoned(moments: pd.Series, units: str, form: FileForm, dialect: Dialect, path: Path) -> Moments:
    if getattr(moments.dt, "tz", None) is not None:
        return Moments(_nanoseconds(moments), Fact("UTC", OFFSET), units)
    if not form.tz and not dialect.zone and _all_midnights(moments):
        raise NotBars(
            f"{path}: its stamps are dates without a time: only 1m is kept, the rest is derived. Where a column has "
            "the times, name it with --columns time=…"
        )
    name, why = zone_of(form, dialect, path)
    return Moments(_nanoseconds(named_zone(name).to_utc(moments)), Fact(name, why), units)


def _all_midnights(moments: pd.Series) -> bool:
    there = moments.dropna()
    return len(there) > 0 and bool((there.dt.normalize() == there).all())


def zone_of(form: FileForm, dialect: Dialect, path: Path) -> tuple[str, str]:
    """The zone of stamps that carry none, and who says so.

    Raises Doubt where nobody does, and UnreadableFile where the file and the person say different ones.
    """
    enough = any if seasonal(dialect.zone) else all
    if dialect.zone and form.tz and not enough(agree(dialect.zone, form.tz, probe) for probe in PROBES):
        raise UnreadableFile(
            f"{path}: {dialect.sign or dialect.name} says that its stamps are in {dialect.zone}, and --tz says "
            f"{form.tz}: leave out --tz."
        )
    if form.tz:
        return form.tz, "--tz"
    if dialect.zone:
        return dialect.zone, f"{dialect.name}: {dialect.sign}"
    hint = f" ({dialect.zone_hint})" if dialect.zone_hint else ""
    raise Doubt(
        f"{path}: its stamps have no time zone",
        f"pass --tz, e.g. --tz America/New_York or UTC{hint}",
        option="tz",
        choices=("America/New_York", "UTC"),
    )


def _from_numbers(raw: pd.Series, form: FileForm, dialect: Dialect, path: Path) -> Moments:
    """Numbers, or texts of digits."""
    is_text = not pd.api.types.is_numeric_dtype(raw)
    numbers = pd.to_numeric(raw, errors="coerce").dropna().to_numpy(dtype=np.float64)
    digits = len(str(int(np.abs(numbers).max()))) if len(numbers) else 0
    if digits in COMPACT and str(int(numbers.max()))[:2] in ("19", "20"):
        text = raw if is_text else raw.astype("Int64").astype(str)
        moments = pd.to_datetime(text, format=COMPACT[digits], errors="coerce")
        return _zoned(moments, "stamps", form, dialect, path)
    at, units = epoch_texts(raw) if is_text else epoch_nanoseconds(raw)
    if not form.as_is:
        refuse_other_counts(at, numbers, path)
    return Moments(at, Fact("UTC", COUNTED), units)


def of_a_servers_clock(moments: Moments, zone: str) -> Moments:
    """Counted since the epoch as if a server's clock showed UTC, as MetaTrader's library does."""
    clock = pd.Series(moments.at.astype("M8[ns]"))
    return Moments(_nanoseconds(parse_zone(zone).to_utc(clock)), Fact(zone, "--tz"), moments.units)


def _nanoseconds(moments: pd.Series) -> Ints:
    aware = getattr(moments.dt, "tz", None) is not None
    plain = moments.dt.tz_convert("UTC").dt.tz_localize(None) if aware else moments
    found: Ints = plain.to_numpy().astype("M8[ns]").astype(np.int64)
    return found


def _text(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), "").astype(str).str.strip()
