"""Rows that broke a rule: what a file's last import left of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from django.db import transaction

from marketdata.importing.splitting import Rejected
from marketdata.models import Dataset, QuarantinedRow

MOST_RAW = 2_000


def replace(dataset: Dataset, path: Path, rejected: Sequence[Rejected]) -> None:
    """The file's quarantine is these rows: the same stay as they are, ones that were corrected go."""
    name = str(path.resolve())[-512:]
    held = QuarantinedRow.objects.filter(dataset=dataset, file=name)
    wanted = {(row.line, row.reason[:255]) for row in rejected}
    with transaction.atomic():
        gone = [pk for pk, *place in held.values_list("pk", "line", "reason") if tuple(place) not in wanted]
        held.filter(pk__in=gone).delete()
        QuarantinedRow.objects.bulk_create(
            [_row(dataset, name, row) for row in rejected], ignore_conflicts=True, batch_size=5_000
        )


def _row(dataset: Dataset, file: str, row: Rejected) -> QuarantinedRow:
    return QuarantinedRow(
        dataset=dataset,
        file=file,
        line=row.line,
        reason=row.reason[:255],
        raw=row.raw[:MOST_RAW].replace("\0", ""),
        symbol=row.symbol[:64],
    )
