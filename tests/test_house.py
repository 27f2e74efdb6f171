"""What CONTRIBUTING says of the house: small files and functions, rooms with a sentence each, paths that are there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
APPS = ("config", "web", "gateway", "broker", "streaming", "sessions", "marketdata")
MOST_LINES, MEDIAN_LINES, MOST_FUNCTION_LINES = 300, 80, 50


def files(*folders: str, suffixes: tuple[str, ...] = (".py",)) -> Iterator[Path]:
    """Sources, without migrations and what is in no repository."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            hidden = {"migrations", "node_modules", "dist"} & set(path.parts)
            if path.suffix in suffixes and not hidden and ".min." not in path.name:
                yield path


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_longer_than_three_hundred_lines() -> None:
    sources = files(*APPS, "tests", "benchmarks", "clients", "examples", suffixes=(".py", ".js", ".html", ".css"))
    assert {name(path): n for path in sources if (n := lines(path)) > MOST_LINES} == {}


def test_half_of_the_files_are_short() -> None:
    assert median(n for path in files(*APPS) if (n := lines(path))) <= MEDIAN_LINES


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{name(path)}:{node.lineno} {node.name}"
        for path in files(*APPS, "tests", "benchmarks", "clients")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MOST_FUNCTION_LINES
    }
    assert long == set()


def test_each_room_says_in_a_sentence_what_it_is_for() -> None:
    rooms = (
        path for path in files(*APPS) if path.name == "__init__.py" and len(path.parent.relative_to(ROOT).parts) > 1
    )
    silent = [name(room) for room in rooms if not ast.get_docstring(ast.parse(room.read_text()))]
    assert [room for room in silent if "management" not in room] == []


def test_the_paths_that_contributing_names_are_there() -> None:
    """A bare name stands beside the path before it, or in an app."""
    missing, near = [], ROOT
    for named in re.findall(r"`([\w./-]+(?:\.(?:py|js|html|toml|md)|/))`", (ROOT / "CONTRIBUTING.md").read_text()):
        folders = [ROOT, *(f for f in (near, *near.parents) if f.is_relative_to(ROOT)), *(ROOT / app for app in APPS)]
        found = next((folder / named for folder in folders if (folder / named).exists()), None)
        if found is None:
            missing.append(named)
        else:
            near = found if found.is_dir() else found.parent
    assert missing == []
