"""Which files of the known forms there are, and the folder that names their dataset."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.files.containers import PACKINGS
from marketdata.importing.files.lean_folders import dataset_folder, is_lean
from marketdata.importing.files.other_forms import advice_of
from marketdata.importing.files.partitions import above_partitions

FORMS = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".dbn")
SUFFIXES: tuple[str, ...] = (
    *(form + packing for packing in ("", *PACKINGS) for form in FORMS),
    *(".parquet", ".zip", ".scid", ".zst"),
)
SHOWN = ".csv, .txt, .tsv, .json, .jsonl, .dbn, each also as .gz, .zst, .bz2 or .xz; .parquet, .zip, .scid"
PROSE = (".md", ".rst", ".html", ".htm", ".pdf", ".doc", ".docx", ".py", ".ipynb", ".sh", ".log", ".png", ".jpg")


def find_files(paths: Iterable[Path], suffixes: tuple[str, ...] = SUFFIXES) -> list[Path]:
    """Files of the known forms, folders searched through; sorted, each once. Raises UnreadableFile."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = (p for p in sorted(path.rglob("*")) if is_read(p, suffixes) and not _is_hidden(p))
            found |= dict.fromkeys(p for p in inside if p.is_file())
        elif path.is_file() and is_read(path, suffixes):
            found[path] = None
        elif path.is_file():
            raise UnreadableFile(not_read(path))
        else:
            raise UnreadableFile(f"{path}: there is no such file or folder.")
    if not found:
        raise UnreadableFile(f"No {SHOWN} file in {', '.join(map(str, paths))}.")
    return list(found)


def left_out(paths: Iterable[Path]) -> list[Path]:
    """Files in the folders whose form is not read, without what is plainly no data."""
    inside = (p for path in paths if path.is_dir() for p in sorted(path.rglob("*")) if p.is_file())
    return [p for p in inside if not is_read(p) and not _is_hidden(p) and not _is_prose(p)]


def is_read(path: Path, suffixes: tuple[str, ...] = SUFFIXES) -> bool:
    """Whether its name says one of the forms."""
    return path.name.lower().endswith(suffixes) and not advice_of(path)


def not_read(path: Path) -> str:
    """Why a file of another form is not read, and what to do."""
    advice = advice_of(path)
    return f"{path}: is {advice}." if advice else f"{path}: not one of the forms {SHOWN}."


def _is_prose(path: Path) -> bool:
    return path.suffix.lower() in PROSE or path.stem.upper() in ("LICENSE", "README", "MAKEFILE", "THUMBS")


def _is_hidden(path: Path) -> bool:
    """Also what macOS puts beside the files."""
    return path.name.startswith(".") or "__MACOSX" in path.parts


def folder_name(path: Path) -> str:
    """The folder that names a file's dataset."""
    path = path.resolve()
    return dataset_folder(path).name if is_lean(path) else above_partitions(path).name
