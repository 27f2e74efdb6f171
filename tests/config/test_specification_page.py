"""The page that maps the specification to code and tests names only what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "specification.md").read_text()
NAMED = re.findall(r"`([^`]+)`", PAGE)
TESTS = {
    name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
}


@pytest.mark.parametrize(
    "path", sorted({name.partition(":")[0] for name in NAMED if re.fullmatch(r"[\w/]+\.py(: \w+)?", name)})
)
def test_every_file_named_exists(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("name", sorted({name for name in NAMED if re.fullmatch(r"test_\w+", name)}))
def test_every_test_named_exists(name: str) -> None:
    assert name in TESTS


@pytest.mark.parametrize("place", sorted({name for name in NAMED if re.fullmatch(r"[\w/]+\.py: \w+", name)}))
def test_every_name_is_in_its_file(place: str) -> None:
    path, name = place.split(": ")
    assert re.search(rf"\b{name}\b", (ROOT / path).read_text())
