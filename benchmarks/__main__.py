"""`python -m benchmarks [NAME …] [--json]`: every module with a `run()`, and one table."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import benchmarks
from benchmarks import world
from benchmarks.rows import Row

HELD_BACK = frozenset({"__main__", "peers", "reading", "row_per_bar", "rows", "world"})


def main() -> None:
    there = sorted({module.name for module in iter_modules(benchmarks.__path__)} - HELD_BACK)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"Any of: {', '.join(there)}. Default: all.")
    parser.add_argument("--json", action="store_true", help="Print one JSON object.")
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(there)):
        parser.error(f"there is no {', '.join(unknown)}: there are {', '.join(there)}")
    world.enter()
    try:
        measured = {name: _run(name) for name in given.names or there}
    finally:
        world.leave()
    payload = {
        "machine": _machine(),
        "benchmarks": {name: [row.json() for row in rows] for name, rows in measured.items()},
    }
    if given.json:
        print(json.dumps(payload))
    else:
        _print(measured)


def _run(name: str) -> list[Row]:
    """The module's rows; what it measures is shown on stderr as it comes, for it may take minutes."""
    module: Any = import_module(f"benchmarks.{name}")
    rows, began = [], time.monotonic()
    if not hasattr(module, "run"):
        return rows
    for row in module.run():
        rows.append(row)
        print(f"{name}: {row.what}: {row.shown()} {row.unit} {row.note}", file=sys.stderr, flush=True)
    print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return rows


def _print(measured: dict[str, list[Row]]) -> None:
    from rich.console import Console
    from rich.table import Table

    machine = _machine()
    table = Table(title=f"Tapedeck on {machine['cpus']} CPUs (load {machine['load']}), Python {machine['python']}")
    for header, justify in (
        ("benchmark", "left"),
        ("what", "left"),
        ("figure", "right"),
        ("unit", "left"),
        ("", "left"),
    ):
        table.add_column(header, justify=justify)  # type: ignore[arg-type]
    for name, rows in measured.items():
        for row in rows:
            table.add_row(name, row.what, row.shown(), row.unit, row.note)
        table.add_section()
    Console(width=160).print(table)


def _machine() -> dict[str, Any]:
    return {
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


if __name__ == "__main__":
    main()
