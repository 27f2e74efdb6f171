"""No circle of imports between files, deferred and type-checking ones counted: it is a file cut by length."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
APPS = ("config", "web", "gateway", "broker", "streaming", "sessions", "marketdata")
ONE = ("sessions.models",)
"""Rows that name each other: their package counts as one file."""


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def node(module: str) -> str:
    return next((one for one in ONE if module == one or module.startswith(one + ".")), module)


def imported(path: Path, known: set[str]) -> set[str]:
    found = set[str]()
    for statement in ast.walk(ast.parse(path.read_text())):
        if isinstance(statement, ast.ImportFrom) and statement.module:
            names = {f"{statement.module}.{alias.name}" for alias in statement.names}
            found |= (names & known) | ({statement.module} if names - known else set())
        elif isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
    return found & known


@pytest.mark.parametrize("app", APPS)
def test_no_file_imports_itself_by_way_of_others(app: str) -> None:
    paths = {name_of(path): path for path in sorted((ROOT / app).rglob("*.py"))}
    graph: dict[str, set[str]] = {}
    for module, path in paths.items():
        graph.setdefault(node(module), set()).update(map(node, imported(path, set(paths))))
    for module, imports in graph.items():
        imports.discard(module)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))
