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

SYMBOLS = 500
NEEDS = {"nautilus": ("nautilus_trader",), "backtrader": ("backtrader", "pandas")}
PEERS = (("nautilus", "matching"), ("nautilus", ""), ("backtrader", ""))


def run() -> Iterator[Row]:
    path = a_day(SYMBOLS)
    for engine, how in PEERS:
        script = Path(__file__).parent / "peers" / f"with_{engine}.py"
        command = [environment(engine), str(script), str(path), *how.split()]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{engine}: {done.stderr.strip().splitlines()[-1]}")
        told = json.loads(done.stdout.splitlines()[-1])
        seconds = told["seconds"]
        note = f"{told['bars']:,} bars in {seconds:.2f} s (CPU {told['cpu']:.2f} s), in-process, bars made beforehand"
        what = f"{engine}{', its venue matching orders' if how else ''}, {SYMBOLS} symbols, 1 day"
        yield Row(what, told["bars"] / seconds, "bars/s", note)


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


def a_day(count: int) -> Path:
    """The first day of that many symbols as one file of columns, sorted by time, then symbol."""
    from marketdata import calendar, store
    from marketdata.models import Dataset

    names = world.symbols(count)
    dataset, first, _, _ = world.ensure_days(names, 1)
    opened = round(calendar.trading_day(first).open.timestamp())
    held = store.load_day(Dataset.objects.get(name=dataset).pk, first, list(names))
    days = [held[name].bars for name in names]
    columns = {name: np.concatenate([getattr(day, name) for day in days]) for name in ("open", "high", "low", "close")}
    columns["volume"] = np.concatenate([day.volume for day in days])
    columns["end"] = np.concatenate([day.offset for day in days]) + opened + 60
    columns["symbol"] = np.repeat(np.arange(count), [len(day) for day in days])
    order = np.lexsort((columns["symbol"], columns["end"]))
    path = world.VAR / f"day-{count}.npz"
    np.savez(path, symbols=np.array(names), **{name: values[order] for name, values in columns.items()})
    return path
