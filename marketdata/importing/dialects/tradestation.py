"""TradeStation's export: bars are stamped by their end; the volume is Up + Down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from marketdata.importing.base.numbers import decimal_mark, numbers
from marketdata.importing.base.sheets import Sheet
from marketdata.importing.base.spellings import fold
from marketdata.importing.dialects.dialect import Dialect, words
from marketdata.kinds import DayKind


def _prepare(sheet: Sheet, path: Path, kind: str) -> Sheet:
    names = {fold(str(name)): str(name) for name in sheet.frame.columns}
    if names.keys() & {"vol", "volume"}:
        return sheet
    mark = sheet.decimal or decimal_mark((sheet.frame[names[part]] for part in ("open", "high", "low", "close")), path)
    volume = sum(numbers(sheet.frame[names[part]], mark)[0] for part in ("up", "down"))
    used = sheet.used | {names["up"], names["down"]}
    return replace(sheet, frame=sheet.frame.assign(volume=volume), used=used).noted("volume is Up + Down")


MINUTES = Dialect(
    "TradeStation",
    words("date time open high low close up down"),
    kind=DayKind.BARS,
    label="end",
    date_order="mdy",
    zone_hint="TradeStation exports the exchange's time",
    prepare=_prepare,
    sign="Up, Down",
)
