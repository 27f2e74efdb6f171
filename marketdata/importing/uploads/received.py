"""Files that were dropped on a page: what of them is kept, where, and what the person said about them."""

from __future__ import annotations

import datetime as dt
import re
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from django.conf import settings
from django.core.files.base import File

from marketdata.errors import MarketDataError
from marketdata.importing import mappings
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.files.finding import is_read, not_read
from marketdata.models import Upload

KEPT = dt.timedelta(days=1)
"""How long files stay that nobody imported."""
NAME = re.compile(r"[^A-Za-z0-9.,_+=@^ \-]")
OPTIONS = ("tz", "label", "date_order", "decimal", "scale", "only", "as_is", "prices")


class BadUpload(MarketDataError):
    """Files that are not taken, with the reason."""


def receive(files: Sequence[File[bytes]], by: str) -> Upload:
    """Keep the files in a folder of their own; those of forms that nobody reads are left out, and named.

    Raises BadUpload.
    """
    named = [(NAME.sub("_", Path(file.name or "").name), file) for file in files]
    kept = [(name, file) for name, file in named if is_read(Path(name))]
    skipped = [not_read(Path(name)) for name, _ in named if not is_read(Path(name))]
    _refuse([name for name, _ in kept], sum(file.size or 0 for _, file in kept), skipped)
    _forget_old()
    upload = Upload(by=by, folder=secrets.token_hex(16), all_files=len(kept), found={"skipped": skipped})
    folder = folder_of(upload)
    folder.mkdir(parents=True)
    for name, file in kept:
        with (folder / name).open("wb") as copy:
            for chunk in file.chunks():
                copy.write(chunk)
    upload.save()
    return upload


def _refuse(names: Sequence[str], size: int, skipped: Sequence[str]) -> None:
    most, most_files = settings.UPLOAD_MAX_BYTES, settings.UPLOAD_MAX_FILES
    if skipped and not names:
        raise BadUpload(" ".join(skipped[:5]))
    if not names:
        raise BadUpload("Choose at least one file.")
    if len(names) > most_files:
        raise BadUpload(f"{len(names)} files are too many for one upload: at most {most_files} (UPLOAD_MAX_FILES).")
    if size > most:
        raise BadUpload(
            f"{size:,} bytes are too many for one upload: at most {most:,} (UPLOAD_MAX_BYTES). "
            "Pack them, or use manage.py import_data."
        )
    for name in names:
        if names.count(name) > 1:
            raise BadUpload(f"{name}: two files have this name.")


def folder_of(upload: Upload) -> Path:
    return Path(settings.UPLOADS_FOLDER) / upload.folder


def files_of(upload: Upload) -> list[Path]:
    """Those that are still there, in their order."""
    folder = folder_of(upload)
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []


def _forget_old() -> None:
    """Folders of uploads that nobody finished."""
    old = Upload.objects.filter(created_at__lt=dt.datetime.now(dt.UTC) - KEPT).exclude(state=Upload.State.IMPORTING)
    for upload in old:
        shutil.rmtree(folder_of(upload), ignore_errors=True)


def form_of(upload: Upload, path: Path) -> FileForm:
    """What the person said about a file. Raises MarketDataError."""
    answers = upload.answers
    base = mappings.named(answers["mapping"]) if answers.get("mapping") else FileForm()
    given = {name: answers[name] for name in OPTIONS if answers.get(name)}
    symbol = answers.get("symbols", {}).get(path.name, "")
    return replace(base, symbol=symbol, exchange=answers.get("calendar", ""), **given)
