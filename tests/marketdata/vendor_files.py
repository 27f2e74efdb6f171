"""Vendors' files, made in their shapes: one day, ten minutes from the open and the last one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

from marketdata.calendar import trading_day

DAY = trading_day(dt.date(2024, 3, 14))


NEW_YORK = "America/New_York"


FIRST, LAST = 0, DAY.minutes - 1


MINUTES = (FIRST, *range(1, 10), LAST)


def local(minute: int, form: str, end: bool = False) -> str:
    """A minute's stamp on New York's clock."""
    at = dt.datetime(2024, 3, 14, 9, 30) + dt.timedelta(minutes=minute + end)  # noqa: DTZ001 - exchange time
    return at.strftime(form)


def epoch(minute: int) -> int:
    return round(DAY.open.timestamp()) + 60 * minute


class Form(NamedTuple):
    name: str
    head: str
    row: str
    """Of `{t}` the stamp, `{o} {h} {l} {c}` the prices, `{v}` the volume."""
    stamp: Any
    options: dict[str, Any]
    scale: float = 1


def written(folder: Path, form: Form) -> Path:
    """Ten minutes from the open and the last one; prices count up by a quarter."""
    rows = []
    for minute in MINUTES:
        close = 100 + minute / 4
        prices = {"o": close, "h": close + 0.5, "l": close - 0.5, "c": close + 0.25}
        shown = {n: f"{p * form.scale:.0f}" if form.scale != 1 else f"{p:g}" for n, p in prices.items()}
        rows.append(form.row.format(t=form.stamp(minute), v=1000 + minute, **shown))
    path = folder / form.name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join([*([form.head] if form.head else []), *rows]) + "\n"
    if path.suffix == ".zip":
        with ZipFile(path, "w") as archive:
            archive.writestr("20240314_bacpb_minute_trade.csv", text)
    else:
        path.write_text(text)
    return path
