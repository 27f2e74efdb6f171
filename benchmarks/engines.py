"""Other engines on the same bars, in their own process, to an empty callback: no store, no wire, no second process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import world
from benchmarks.rows import Row

NEEDS = {"nautilus": ("nautilus_trader",), "backtrader": ("backtrader", "pandas")}
FEW = ((1, 20), (2, 20), (100, 5))
"""Symbols and days of further rows; 100 symbols for a quarter of the days of `delivery`: the rate is the same."""


def run() -> Iterator[Row]:
    day = bars_of(500, 1)
    yield row("nautilus", "nautilus, its venue matching orders, 500 symbols, 1 day", day, "bars", "matching")
    yield row("nautilus", "nautilus, 500 symbols, 1 day", day, "bars")
    yield row("backtrader", "backtrader, 500 symbols, 1 day", day, "bars")
    for symbols, days in FEW:
        what = f"nautilus, {symbols} symbol{'s' * (symbols > 1)}, {days} days"
        yield row("nautilus", what, bars_of(symbols, days), "bars")
    yield row("nautilus", "nautilus, the trades and quotes of busy_day", ticks(), "events")


def row(engine: str, what: str, path: Path, unit: str, *how: str) -> Row:
    script = Path(__file__).parent / "peers" / f"with_{engine}.py"
    command = [environment(engine), str(script), str(path), *how]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{engine}: {done.stderr.strip().splitlines()[-1]}")
    report = json.loads(done.stdout.splitlines()[-1])
    seconds = report["seconds"]
    note = f"{report['bars']:,} {unit} in {seconds:.2f} s (CPU {report['cpu']:.2f} s), in-process, made beforehand"
    return Row(what, report["bars"] / seconds, f"{unit}/s", note)


def environment(engine: str) -> str:
    """The Python of a virtual environment that has the engine; made at the first run."""
    folder = world.VAR / f"venv-{engine}"
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *NEEDS[engine]]
        subprocess.run(install, check=True)
        (folder / "made").touch()
    return str(python)


def bars_of(count: int, days: int) -> Path:
    """Days of that many symbols as one file of columns, sorted by time, then symbol."""
    from marketdata import calendar, store
    from marketdata.models import Dataset

    names = world.symbols(count)
    dataset, first, last, _ = world.ensure_days(names, days)
    parts: dict[str, list[np.ndarray]] = {}
    for day in calendar.trading_days(first, last):
        held = store.load_day(Dataset.objects.get(name=dataset).pk, day.date, list(names))
        rows = [held[name].bars for name in names]
        for name in ("open", "high", "low", "close", "volume"):
            parts.setdefault(name, []).extend(getattr(each, name) for each in rows)
        opened = round(day.open.timestamp())
        parts.setdefault("end", []).extend(each.offset + opened + 60 for each in rows)
        parts.setdefault("symbol", []).append(np.repeat(np.arange(count), [len(each) for each in rows]))
    columns = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    order = np.lexsort((columns["symbol"], columns["end"]))
    path = world.VAR / f"bars-{count}-{days}.npz"
    np.savez(path, symbols=np.array(names), **{name: values[order] for name, values in columns.items()})
    return path


def ticks() -> Path:
    """The day of `busy_day`: quotes before trades at one stamp."""
    from benchmarks import busy_day
    from marketdata import calendar, store
    from marketdata.kinds import TICK_KINDS, DayKind
    from marketdata.models import Dataset

    dataset = Dataset.objects.get(name=busy_day.ensure_day())
    opened = round(calendar.trading_day(world.FIRST).open.timestamp()) * 1_000_000_000
    parts = []
    for kind in reversed(TICK_KINDS):
        day = store.find_days(dataset.pk, kind, world.FIRST, [busy_day.SYMBOL])[busy_day.SYMBOL]
        for number in range(len(store.spans(day))):
            rows = store.load_chunk(day, number)
            quote = np.full(len(rows), kind == DayKind.QUOTES)
            ask = rows.values[2:] if kind == DayKind.QUOTES else np.ones((2, len(rows)))
            parts.append((rows.at + opened, quote, *rows.values[:2], *ask))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    path = world.VAR / "ticks.npz"
    named = dict(zip(("at", "quote", "price", "size", "ask", "ask_size"), columns, strict=True))
    np.savez(path, symbols=np.array([busy_day.SYMBOL]), **{name: values[order] for name, values in named.items()})
    return path
