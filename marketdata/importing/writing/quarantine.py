"""Rows that broke a rule: what a file's last import left of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from django.db import transaction

from marketdata.importing.days.splitting import Rejected
from marketdata.models import Dataset, Import, QuarantinedRow

MOST_RAW = 2_000


def replace_all(dataset: Dataset, rejected: Mapping[Path, Sequence[Rejected]], of: Import | None = None) -> None:
    """The quarantine of these files is these rows: the same stay as they are, ones that were corrected go."""
    files = {str(path.resolve())[-512:]: rows for path, rows in rejected.items()}
    wanted = {(file, row.line, row.reason[:255]) for file, rows in files.items() for row in rows}
    held = QuarantinedRow.objects.filter(dataset=dataset, file__in=list(files)).order_by()
    with transaction.atomic():
        there = {tuple(place): pk for pk, *place in held.values_list("pk", "file", "line", "reason")}
        gone = [pk for place, pk in there.items() if place not in wanted]
        if gone:
            held.filter(pk__in=gone).delete()
        fresh = [_row(dataset, file, row, of) for file, rows in files.items() for row in rows]
        if fresh:
            QuarantinedRow.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=5_000)


def _row(dataset: Dataset, file: str, row: Rejected, of: Import | None) -> QuarantinedRow:
    return QuarantinedRow(
        dataset=dataset,
        file=file,
        line=row.line,
        reason=row.reason[:255],
        raw=row.raw[:MOST_RAW].replace("\0", ""),
        symbol=row.symbol[:64],
        of=of,
    )
