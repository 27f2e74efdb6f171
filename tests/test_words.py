"""The field's words, not a dialect: what CONTRIBUTING asks of names, messages and docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
APPS = ("config", "web", "gateway", "broker", "streaming", "sessions", "marketdata")
THIS = Path(__file__).resolve()
DIALECT = re.compile(
    r"(?<![a-z])(told|doors?|scribe|shelf|reels?|taken up|takes up|passed over|held against|mended)(?![a-z])", re.I
)
FILES = [
    *(path for app in APPS for suffix in ("py", "html", "js") for path in sorted((ROOT / app).rglob(f"*.{suffix}"))),
    *(path for folder in ("tests", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py")) if path != THIS),
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")),
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_uses_the_fields_words(path: Path) -> None:
    found = [
        f"line {number}: {line.strip()}"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if DIALECT.search(line)
    ]
    assert not found, "\n".join(found)
