"""Which files there are, and each one's rows as they stand in it."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, cast

import pandas as pd
import pyarrow

from marketdata.importing.delimited import read_delimited
from marketdata.importing.dialects import NotBars, Reading, UnreadableFile, fold
from marketdata.importing.lean import dataset_folder, is_lean, with_stamps
from marketdata.importing.sheets import Sheet, numbered

SUFFIXES: tuple[str, ...] = (".csv", ".csv.gz", ".tsv", ".txt.gz", ".parquet", ".json", ".json.gz", ".zip")
LISTS = ("bars", "results", "data")


def find_files(paths: Iterable[Path], suffixes: tuple[str, ...] = SUFFIXES) -> list[Path]:
    """Files of the known forms, folders searched through; sorted, each once. Raises UnreadableFile."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(p for p in sorted(path.rglob("*")) if _ends(p, suffixes) and p.is_file())
        elif path.is_file() and _ends(path, (*suffixes, ".txt")):
            found[path] = None
        elif path.is_file():
            raise UnreadableFile(f"{path}: not one of the forms {', '.join(suffixes)}.")
        else:
            raise UnreadableFile(f"{path}: there is no such file or folder.")
    if not found:
        raise UnreadableFile(f"No {', '.join(suffixes)} file in {', '.join(map(str, paths))}.")
    return list(found)


def _ends(path: Path, suffixes: tuple[str, ...]) -> bool:
    return path.name.lower().endswith(suffixes)


def folder_name(path: Path) -> str:
    """The folder that names a file's dataset."""
    path = path.resolve()
    return dataset_folder(path).name if is_lean(path) else path.parent.name


def open_sheet(path: Path, reading: Reading) -> Sheet:
    """Raises UnreadableFile, naming the file."""
    name = path.name.lower()
    try:
        if name.endswith(".parquet"):
            return _parquet(path)
        with _opened(path) as stream:
            if ".json" in name:
                return numbered(pd.DataFrame(_records(json.load(stream), path)))
            sheet = read_delimited(stream, path, reading)
    except (ValueError, OSError, EOFError, pyarrow.ArrowException, zipfile.BadZipFile) as error:
        raise UnreadableFile(f"{path}: cannot be read: {error}") from None
    return with_stamps(sheet, path.resolve()) if is_lean(path.resolve()) else sheet


def _opened(path: Path) -> BinaryIO:
    if path.name.endswith(".gz"):
        return cast(BinaryIO, gzip.open(path, "rb"))
    if path.name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if not name.endswith("/")]
            if len(members) != 1:
                raise UnreadableFile(f"{path}: holds {len(members)} files: unpack it and import the folder.")
            return io.BytesIO(archive.read(members[0]))
    return path.open("rb")


def _parquet(path: Path) -> Sheet:
    """A table; an index of stamps or symbols, as vendors' libraries write it, is a column like the others."""
    frame = pd.read_parquet(path)
    if any(name is not None for name in frame.index.names) or isinstance(frame.index, pd.DatetimeIndex):
        frame = frame.reset_index(names=[str(name or "time") for name in frame.index.names])
    if not isinstance(frame.columns, pd.MultiIndex):
        frame.columns = frame.columns.map(str)
        return numbered(frame)
    pairs = [tuple(str(part) for part in pair[:2]) for pair in frame.columns]
    fields_first = any(fold(a) in ("open", "close") for a, _ in pairs)
    frame.columns = pd.Index([f"{a} {b}".strip() for a, b in pairs])
    cells = {f"{a} {b}": (a, b) if fields_first else (b, a) for a, b in pairs if a and b}
    return numbered(frame, cells)


def _records(found: Any, path: Path) -> list[dict[str, Any]]:
    """Vendors' answers: a list of bars, under a name, or by symbol."""
    symbol = found.get("symbol") or found.get("ticker") if isinstance(found, dict) else None
    while isinstance(found, dict) and any(key in found for key in LISTS):
        found = next(found[key] for key in LISTS if key in found)
    if isinstance(found, dict) and all(isinstance(rows, list) for rows in found.values()):
        found = [{"symbol": name, **row} for name, rows in found.items() for row in rows]
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise NotBars(f"{path}: holds no list of bars.")
    return [{"symbol": symbol, **row} for row in found] if symbol else found
