"""Stooq: tickers with their country's ending."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from marketdata.importing.base.sheets import Sheet
from marketdata.importing.base.spellings import fold
from marketdata.importing.dialects.dialect import Dialect, words
from marketdata.kinds import DayKind


def _prepare(sheet: Sheet, path: Path, kind: str) -> Sheet:
    names = {fold(str(name)): str(name) for name in sheet.frame.columns}
    ticker = sheet.frame[names["ticker"]].astype(str)
    plain = ticker.str.replace(r"\.US$", "", case=False, regex=True)
    note = "the ending .US is left out" if (plain != ticker).any() else ""
    return replace(sheet, frame=sheet.frame.assign(**{names["ticker"]: plain})).noted(note)


MINUTES = Dialect(
    "Stooq",
    words("ticker per date time open high low close vol"),
    kind=DayKind.BARS,
    zone_hint="Stooq does not say its zone: compare the first bar with the open",
    prepare=_prepare,
    sign="TICKER, PER",
)
