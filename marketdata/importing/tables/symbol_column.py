"""Whose rows they are: by an option, a column, the answer itself, or the file's name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.columns import Ints
from marketdata.importing.base.decision import Fact, named
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import Doubt
from marketdata.importing.base.sheets import Sheet
from marketdata.importing.guards.misreadings import refuse_cases
from marketdata.importing.tables.naming import refuse_other_name, symbol_from_path
from marketdata.symbols import clean_symbol


def symbols_of(path: Path, sheet: Sheet, mapped: Mapping[str, str], form: FileForm) -> tuple[list[str], Ints, Fact]:
    """The names, each row's index into them, and where they come from. Raises Doubt for a name that says none."""
    rows = len(sheet.frame)
    if form.symbol:
        return _one(Fact(clean_symbol(form.symbol), "--symbol"), rows)
    if "symbol" in mapped:
        names, codes, merged = _column(sheet.frame[mapped["symbol"]])
        refuse_cases(names, path)
        why = [f"column {mapped['symbol']}", *([named(merged)] if merged else []), *_other_name(path, names)]
        return names, codes, Fact(named(names), ", ".join(why))
    if sheet.symbol:
        said = clean_symbol(sheet.symbol)
        refuse_other_name(path, said)
        return _one(Fact(said, "the file itself"), rows)
    return _one(symbol_from_path(path), rows)


def _one(fact: Fact, rows: int) -> tuple[list[str], Ints, Fact]:
    return [fact.value], np.zeros(rows, np.int64), fact


def _column(column: pd.Series) -> tuple[list[str], Ints, list[str]]:
    """The names, each row's index into them, and which of them are written in several ways."""
    codes, uniques = pd.factorize(column.astype(object).where(column.notna(), "").astype(str))
    written = [str(name).strip() for name in uniques]
    clean = [clean_symbol(name) for name in written]
    names = sorted(set(clean))
    at = {name: place for place, name in enumerate(names)}
    place = np.array([at[name] for name in clean], dtype=np.int64)
    merged = sorted({f"{text} read as {name}" for text, name in zip(written, clean, strict=True) if text != name})
    several = merged if len(set(written)) > len(names) else []
    return names, place[codes] if len(codes) else np.zeros(0, np.int64), several


def _other_name(path: Path, names: list[str]) -> list[str]:
    """What the file's name says where it is another symbol than the column's only one."""
    try:
        if len(names) == 1:
            refuse_other_name(path, names[0])
    except Doubt as doubt:
        return [f"and not {doubt.choices[-1]} as the file's name says"]
    return []
