"""LOBSTER's message files: seconds after New York's midnight; the name has the symbol and the date."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.importing.base.refusals import NotTicks
from marketdata.importing.base.sheets import Sheet
from marketdata.importing.dialects.dialect import Dialect
from marketdata.kinds import DayKind
from marketdata.units import SECOND_NS

NAME = re.compile(r"(?P<symbol>[A-Z.]+)_(?P<date>\d{4}-\d\d-\d\d)_\d+_\d+_(?P<part>message|orderbook)_\d+")
HEADER = ("seconds", "type", "id", "size", "price", "side")
EXECUTIONS = ("4", "5", "6")
"""Executions of a visible order, of a hidden one, and in an auction; the others change the book."""


def _prepare(sheet: Sheet, path: Path, kind: str) -> Sheet:
    match = NAME.match(path.name)
    assert match is not None
    if match["part"] == "orderbook":
        raise NotTicks(f"{path}: holds an order book without times: import the message file beside it.")
    executed = sheet.frame["type"].astype(str).isin(EXECUTIONS).to_numpy()
    rows = sheet.take(executed)
    parts = rows.frame["seconds"].astype(str).str.extract(r"^(\d+)(?:\.(\d{1,9}))?$")
    whole = pd.to_numeric(parts[0], errors="coerce").astype("Int64") * SECOND_NS
    since = whole + pd.to_numeric(parts[1].fillna("0").str.ljust(9, "0"), errors="coerce").astype("Int64")
    midnight = np.datetime64(match["date"], "ns")
    frame = rows.frame.assign(timestamp=midnight + pd.to_timedelta(since, unit="ns")).drop(columns="seconds")
    note = f"{int((~executed).sum()):,} messages that are no executions are left out"
    return replace(rows, frame=frame, symbol=match["symbol"], used=rows.used | {"type"}).noted(note)


MESSAGES = Dialect(
    "LOBSTER messages",
    matches=lambda head: not head.names and bool(NAME.match(head.path.name)),
    kind=DayKind.TRADES,
    header=lambda head: (*HEADER, *(f"column {i}" for i in range(len(HEADER), len(head.first))))[: len(head.first)],
    zone="America/New_York",
    scale=10_000.0,
    prepare=_prepare,
    sign="the name …_message_…",
)
