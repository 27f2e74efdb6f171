"""Makes the site's pages of files that lie beside docs/, and keeps links right in both places."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md"}
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    for source, page in PAGES.items():
        text = (ROOT / source).read_text()
        text = re.sub(r'src="docs/', 'src="', text).replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Links to what is a page lead there; those to other files of the project keep their text."""
    return LINK.sub(_linked, markdown)


def _linked(found: re.Match[str]) -> str:
    text, target, anchor = found[1], found[2].removeprefix("../"), found[3] or ""
    if target in PAGES:
        return f"[{text}]({PAGES[target]}{anchor})"
    known = (ROOT / "docs" / target).is_file()
    return f"[{text}]({target}{anchor})" if known or target in PAGES.values() else text
