"""What a worker does with files that were dropped on a page: reads them without writing, and imports them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db.models.functions import Now

from marketdata.bar_json import points
from marketdata.columns import BarColumns
from marketdata.errors import MarketDataError
from marketdata.exchange_calendar import calendar_of
from marketdata.importing.base.refusals import Doubt
from marketdata.importing.days.read_file import ReadFile
from marketdata.importing.days.splitting import SymbolDay
from marketdata.importing.files.preview import first_rows
from marketdata.importing.run import ImportRun
from marketdata.importing.uploads.page_words import on_page, question
from marketdata.importing.uploads.received import files_of, folder_of, form_of
from marketdata.kinds import DayKind
from marketdata.ledger import initial_ledger
from marketdata.models import Import, Scope, Upload

MOST_PREVIEWS = 12
MOST_SHOWN_REASONS = 5


def read(upload: Upload) -> None:
    """Read every file, write nothing, and keep what was found on the upload's row."""
    run = ImportRun(dry_run=True)
    files: list[dict[str, Any]] = []
    previews: list[dict[str, Any]] = []
    for number, path in enumerate(files_of(upload), start=1):
        files.append(_read_one(upload, path, run, previews))
        _progress(upload, number)
    clashes = [_plain(reason, upload) for reason in run.refuse_clashes()]
    run.close()
    upload.found = {**_skipped(upload), "files": files, "previews": previews, "clashes": clashes}
    upload.state, upload.error = Upload.State.READ, ""
    upload.save(update_fields=["found", "state", "error"])


def _skipped(upload: Upload) -> dict[str, Any]:
    return {"skipped": upload.found.get("skipped", [])}


def _read_one(upload: Upload, path: Path, run: ImportRun, previews: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"name": path.name, "size": path.stat().st_size}
    try:
        file = run.read(path, form_of(upload, path), _dataset(upload), tuple(DayKind))
    except Doubt as doubt:
        asked = {"option": doubt.option, "choices": list(doubt.choices)}
        return found | {"problem": _plain(doubt, upload), "rows": first_rows(path)} | asked
    except MarketDataError as error:
        return found | {"problem": _plain(error, upload), "rows": first_rows(path)}
    days = file.parts.days
    if len(previews) < MOST_PREVIEWS and (day := _first_regular(days)):
        previews.append(_preview(file, day))
    dates = sorted({day.date for day in days})
    rejected = [f"line {row.line}: {row.reason}" for row in file.parts.rejected[:MOST_SHOWN_REASONS]]
    return found | {
        "kind": DayKind(file.kind).label,
        "symbols": sorted({day.symbol for day in days}),
        "first": str(dates[0]),
        "last": str(dates[-1]),
        "row_count": file.row_count,
        "rejected": len(file.parts.rejected),
        "reasons": rejected,
        "lines": [on_page(line) for line in file.decision.lines()],
    }


def _plain(reason: object, upload: Upload) -> str:
    """Without the folder, which says nothing to a person, and with the page's fields."""
    said = question(reason) if isinstance(reason, Doubt) else on_page(str(reason))
    return said.replace(f"{folder_of(upload)}/", "")


def _first_regular(days: Iterable[SymbolDay]) -> SymbolDay | None:
    return next((day for day in days if day.scope == Scope.REGULAR and isinstance(day.rows, BarColumns)), None)


def _preview(file: ReadFile, day: SymbolDay) -> dict[str, Any]:
    """A day's bars as the chart takes them, against the minutes of its session."""
    session = calendar_of(file.exchange).trading_day(day.date)
    opened = round(session.open.timestamp())
    return {
        "file": file.path.name,
        "symbol": day.symbol,
        "date": str(day.date),
        "zone": calendar_of(file.exchange).zone.key,
        "open": opened * 1000,
        "minutes": session.minutes,
        "bars": points(opened, day.bars),
        "ledger": initial_ledger(day.bars.seconds, session.minutes, session.midday),
    }


def write(upload: Upload) -> None:
    """Import the files that can be read, and keep the imports on the upload's row."""
    run = ImportRun(f"upload {upload.pk}", by=upload.by)
    files, left_out = files_of(upload), []
    for number, path in enumerate(files, start=1):
        _progress(upload, max(1, number // 2))  # half of the work is to read them
        try:
            run.read(path, form_of(upload, path), _dataset(upload), tuple(DayKind))
        except MarketDataError as error:
            left_out.append(_plain(error, upload))
    left_out += [_plain(reason, upload) for reason in run.refuse_clashes()]
    reports = run.write(lambda path: _progress(upload, (len(files) + files.index(path)) // 2 + 1))
    upload.imports.set(Import.objects.filter(pk__in=[report.number for report in reports]))
    upload.found = {**upload.found, "left_out": left_out, "reports": [report.figures() for report in reports]}
    upload.state = Upload.State.DONE if reports else Upload.State.FAILED
    upload.error = "" if reports else "No file could be imported."
    upload.save(update_fields=["found", "state", "error"])
    if reports:
        shutil.rmtree(folder_of(upload), ignore_errors=True)


def _progress(upload: Upload, number: int) -> None:
    Upload.objects.filter(pk=upload.pk).update(done_files=number, seen_at=Now())


def _dataset(upload: Upload) -> str:
    return str(upload.answers.get("dataset") or "uploaded")
