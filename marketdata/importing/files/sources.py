"""A file's rows as they stand in it, whatever its container and form, and the dialect that they are in."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow
import zstandard

from marketdata.importing.base.blanks import with_tabs
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.heads import Head, head_of, positions
from marketdata.importing.base.preambles import preamble_of
from marketdata.importing.base.refusals import NoRows, NotBars, NotTicks, UnreadableFile
from marketdata.importing.base.sheets import Sheet
from marketdata.importing.base.spellings import fold, kind_of, other_kind
from marketdata.importing.dialects.dialect import Dialect
from marketdata.importing.dialects.table import BY_PLACE, GENERIC, TAPEDECK, identify
from marketdata.importing.files.containers import unpacked
from marketdata.importing.files.dbn import dbn_as_csv
from marketdata.importing.files.delimited import read_delimited
from marketdata.importing.files.json_files import read_json
from marketdata.importing.files.lean import dialect_of, is_member, refuse_other_layouts
from marketdata.importing.files.lean_folders import is_lean
from marketdata.importing.files.other_forms import refuse_itch
from marketdata.importing.files.parquet_files import is_export, parquet_names, read_parquet
from marketdata.importing.files.scid import read_scid
from marketdata.importing.files.texts import as_utf8
from marketdata.kinds import DayKind

JSON = (".json", ".jsonl", ".ndjson")
LEAST_PLACES = 5
"""Of bars without a head line: a stamp and four prices."""
HEAD_LINES = {DayKind.TRADES: "time,price,size", DayKind.QUOTES: "time,bid,bid_size,ask,ask_size"}
HEAD_BYTES, WHOLE_LINES = 16_384, 5
BROKEN = (
    *(ValueError, OSError, EOFError, ArithmeticError, LookupError, TypeError, AttributeError, RuntimeError),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile, zstandard.ZstdError, pyarrow.ArrowException),
)
"""What readers raise on damaged files. RuntimeError is an encrypted zip, and JSON that is nested too deep."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A file that was read and not yet understood. `kind`: empty where its columns do not say it."""

    path: Path
    sheet: Sheet
    dialect: Dialect
    kind: str


def open_source(path: Path, form: FileForm, kinds: tuple[str, ...]) -> Source:
    """The rows as they stand, prepared by their dialect.

    Raises UnreadableFile, naming the file; OtherKind where it holds none of `kinds`.
    """
    try:
        source = _read(path, form, kinds)
        sheet = _only(source.sheet, form, path)
        kind = source.kind or kinds[0]
        if source.dialect.prepare:
            sheet = source.dialect.prepare(sheet, path, kind)
    except UnreadableFile:
        raise
    except BROKEN as error:
        reason = str(error) or type(error).__name__
        raise UnreadableFile(f"{path}: cannot be read: {reason}") from None
    return replace(source, sheet=sheet)


def _read(path: Path, form: FileForm, kinds: tuple[str, ...]) -> Source:
    name = path.name.lower()
    if name.endswith(".parquet"):
        _check_names(parquet_names(path), form, kinds, path)
        source = _named(path, read_parquet(path), form, kinds)
        return replace(source, dialect=TAPEDECK) if is_export(path) else source
    if is_lean(path.resolve()):
        refuse_other_layouts(path.resolve(), kinds)
    data, name = unpacked(path)
    refuse_itch(path, data)
    if ".scid" in name and not name.endswith((".txt", ".csv")):
        sheet, kind = read_scid(data, path)
        _check_kind(kind, kinds, [str(column) for column in sheet.frame], path)
        dialect = Dialect("Sierra Chart .scid", kind=kind, label="start", sign="its first bytes")
        return Source(path, sheet, dialect, kind)
    if name.endswith(".dbn"):
        data = dbn_as_csv(data, path)
    data, note = as_utf8(data, path)
    if name.endswith(JSON):
        return _named(path, read_json(data, name, path).noted(note), form, kinds)
    data, apart = with_tabs(data, path, form.delimiter)
    source = _delimited(data, path, form, kinds, name)
    return replace(source, sheet=source.sheet.noted(note).noted(apart))


def _delimited(data: bytes, path: Path, form: FileForm, kinds: tuple[str, ...], name: str) -> Source:
    """`name`: that of the text itself, in a zip its member's."""
    head = head_of(_beginning(data).decode("utf-8", "replace"), path, form)
    lean = is_lean(path.resolve()) or is_member(name)
    dialect = dialect_of(path.resolve(), name) if lean else GENERIC if form.header else identify(head)
    if dialect is BY_PLACE and (DayKind.BARS not in kinds or len(head.first) < LEAST_PLACES):
        raise _no_head(kinds, path)
    names = head.names or (dialect.header(head) if dialect.header else positions(head.first))
    kind = dialect.kind or kind_of(names, form.columns)
    kind = _chosen(kind, kinds, names, dialect)
    if not head.cells:
        _check_kind(kind, kinds, names, path)
    sheet = read_delimited(data, head, names, path, kind or kinds[0], form.decimal)
    said = preamble_of(head.above)
    if said.zone:
        dialect = replace(dialect, zone=said.zone, sign="a line above its table")
    sheet = replace(sheet, symbol=said.symbol, interval=said.interval).noted(*said.notes)
    return Source(path, sheet, dialect, kind)


def _no_head(kinds: tuple[str, ...], path: Path) -> UnreadableFile:
    """Only bars have an order of columns that is known. A file whose name says that it is meant is not passed by."""
    meant = any(DayKind(kind).label[:-1] in path.name.lower() for kind in kinds)
    refusal = UnreadableFile if meant else NotBars if DayKind.BARS in kinds else NotTicks
    named = [line for kind, line in HEAD_LINES.items() if kind in kinds] or HEAD_LINES.values()
    return refusal(
        f"{path}: has no head line, and which column is which of trades or quotes is not guessed from their places: "
        f"put one above the rows, e.g. {' or '.join(named)}."
    )


def _beginning(data: bytes) -> bytes:
    """Enough to see the head in: some lines in full, however long they are."""
    end = 0
    for _ in range(WHOLE_LINES):
        end = data.find(b"\n", end) + 1 or len(data)
    return data[: max(end, HEAD_BYTES)]


def _named(path: Path, sheet: Sheet, form: FileForm, kinds: tuple[str, ...]) -> Source:
    """A table whose columns have names, as Parquet's and JSON's do."""
    names = tuple(str(name) for name in sheet.frame.columns)
    if not names:
        raise NoRows(f"{path}: holds no rows.")
    dialect = identify(Head(path, names, cells=sheet.cells))
    kind = _chosen(dialect.kind or kind_of(names, form.columns), kinds, names, dialect)
    if not sheet.cells:
        _check_kind(kind, kinds, names, path)
    if sheet.zone:
        dialect = replace(dialect, zone=sheet.zone, sign="the answer itself")
    return Source(path, sheet, dialect, kind)


def _chosen(kind: str, kinds: tuple[str, ...], names: Iterable[str], dialect: Dialect) -> str:
    """A table of quotes that has each trade's price as well is of the kind that was asked for."""
    if kind in kinds or not kind or len(kinds) != 1 or DayKind.BARS in (kind, *kinds):
        return kind
    has = {fold(name) for name in names}
    both = has & {"price", "last"} and (has & {"bid", "ask", "bid_px_00"})
    return kinds[0] if both else kind


def _check_names(names: tuple[str, ...], form: FileForm, kinds: tuple[str, ...], path: Path) -> None:
    kind = identify(Head(path, names)).kind or kind_of(names, form.columns)
    if kind:
        _check_kind(_chosen(kind, kinds, names, GENERIC), kinds, names, path)


def _check_kind(kind: str, kinds: tuple[str, ...], names: Iterable[str], path: Path) -> None:
    if kind and kind not in kinds:
        raise other_kind(kinds[0], kind, list(names), path)


def _only(sheet: Sheet, form: FileForm, path: Path) -> Sheet:
    """The rows that have what `--only` demands."""
    if not form.only:
        return sheet
    kept = pd.Series(True, index=sheet.frame.index)
    for name, value in form.only.items():
        if name not in sheet.frame:
            raise UnreadableFile(f"{path}: no column {name}; it has {', '.join(map(str, sheet.frame.columns))}.")
        kept &= sheet.frame[name].astype(str).str.strip() == value
    demanded = ", ".join("=".join(pair) for pair in form.only.items())
    sheet = replace(sheet.take(kept.to_numpy()), used=sheet.used | set(form.only))
    return sheet.noted(f"{int((~kept).sum()):,} rows without {demanded} are left out")
