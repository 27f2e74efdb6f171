"""Stamps as people and vendors write them, as UTC nanoseconds, with the zone and the unit that they were read in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.columns import Ints
from marketdata.importing.decision import Fact
from marketdata.importing.dialects.dialect import Dialect
from marketdata.importing.epochs import epoch_nanoseconds
from marketdata.importing.file_form import FileForm
from marketdata.importing.refusals import Doubt, UnreadableFile
from marketdata.importing.stamp_texts import Texts, parse_texts
from marketdata.importing.zones import agree, parse_word, parse_zone

COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
UNREAD = np.iinfo(np.int64).min
PROBES = (dt.datetime(2024, 1, 15, tzinfo=dt.UTC), dt.datetime(2024, 7, 15, tzinfo=dt.UTC))
"""A winter's and a summer's day, on which zones are compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """`at`: UTC nanoseconds since the epoch, `UNREAD` where a stamp cannot be read."""

    at: Ints
    zone: Fact
    units: str


def stamps(frame: pd.DataFrame, mapped: Mapping[str, str], form: FileForm, dialect: Dialect, path: Path) -> Moments:
    """Raises Doubt for stamps without a zone, or dates that can be read in two ways."""
    raw = frame[mapped["time"]]
    if "date" in mapped:
        raw = _text(frame[mapped["date"]]) + " " + _clock(raw)
    if pd.api.types.is_datetime64_any_dtype(raw):
        return _zoned(raw, "stamps", form, dialect, path)
    if pd.api.types.is_numeric_dtype(raw):
        return _from_numbers(raw, form, dialect, path)
    text = _text(raw)
    digits = text.str.fullmatch(r"\d+(?:\.\d+)?")
    if digits.sum() * 2 > (text != "").sum():
        whole = bool(text[digits].str.isdigit().all())
        numbers = pd.to_numeric(text.where(digits), errors="coerce")
        exact = pd.array([int(value) if ok else None for value, ok in zip(text, digits, strict=True)], dtype="Int64")
        return _from_numbers(pd.Series(exact) if whole else numbers, form, dialect, path)
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
        zone = parse_word(str(word))
        if zone is not None:
            at[mask] = _nanoseconds(zone.to_utc(found.moments[mask]))
            names.append(str(word))
    return Moments(at, Fact(" and ".join(sorted(names)), "named in the stamps"), "stamps")


def _zoned(moments: pd.Series, units: str, form: FileForm, dialect: Dialect, path: Path) -> Moments:
    if getattr(moments.dt, "tz", None) is not None:
        return Moments(_nanoseconds(moments), Fact("UTC", "an offset is in the stamps"), units)
    name, why = zone_of(form, dialect, path)
    return Moments(_nanoseconds(parse_zone(name).to_utc(moments)), Fact(name, why), units)


def zone_of(form: FileForm, dialect: Dialect, path: Path) -> tuple[str, str]:
    """The zone of stamps that carry none, and who says so.

    Raises Doubt where nobody does, and UnreadableFile where the file and the person say different ones.
    """
    if dialect.zone and form.tz and not all(agree(dialect.zone, form.tz, probe) for probe in PROBES):
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
    size = float(raw.abs().max()) if len(raw) and raw.notna().any() else 0.0
    digits = len(str(int(size)))
    if digits in COMPACT and str(int(size))[:2] in ("19", "20"):
        moments = pd.to_datetime(raw.astype("Int64").astype(str), format=COMPACT[digits], errors="coerce")
        return _zoned(moments, "stamps", form, dialect, path)
    at, units = epoch_nanoseconds(raw)
    return Moments(at, Fact("UTC", "counted since the epoch"), units)


def _nanoseconds(moments: pd.Series) -> Ints:
    aware = getattr(moments.dt, "tz", None) is not None
    plain = moments.dt.tz_convert("UTC").dt.tz_localize(None) if aware else moments
    found: Ints = plain.to_numpy().astype("M8[ns]").astype(np.int64)
    return found


def _text(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), "").astype(str).str.strip()


def _clock(column: pd.Series) -> pd.Series:
    """Times of day; 930 and 93000, as spreadsheets leave 0930 and 09:30:00, get their nought back."""
    text = _text(column)
    bare = text.str.fullmatch(r"\d{3}|\d{5}")
    return text.where(~bare, "0" + text).str.replace(r"^(\d):", r"0\1:", regex=True)
