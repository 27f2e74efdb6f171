"""What an import says of itself: a table of its figures, what was decided about each form of file, and why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, cast

from django.core.management.base import OutputWrapper
from rich import box
from rich.console import Console
from rich.table import Table

from marketdata.importing.writing.report import Report
from marketdata.plurals import counted

MOST_SKIPPED, MOST_REASONS, MOST_NOTES = 10, 10, 20
FIGURES = (
    *("files", "rows", "inserted", "unchanged", "revised", "outside_session", "repeated", "rejected", "days"),
    "symbols",
)


def as_json(
    reports: Sequence[Report], failures: Sequence[str], skipped: Sequence[str], dry_run: bool
) -> dict[str, Any]:
    datasets = [report.as_dict() for report in reports]
    return {"datasets": datasets, "errors": failures, "skipped": skipped, "dry_run": dry_run}


def show(out: OutputWrapper, reports: Sequence[Report], skipped: Sequence[str], *, dry_run: bool) -> None:
    console = Console(file=cast(IO[str], out), width=None if out.isatty() else 160)
    if reports:
        console.print(_figures(reports, dry_run))
    for report in reports:
        _explain(console, report)
    if any(report.rejected for report in reports) and not dry_run:
        console.print("Rejected rows: manage.py quarantine, or the admin's Quarantined rows.")
    for report in reports:
        if report.number:
            for line in _next_steps(report):
                console.print(f"{report.dataset}: {line}", markup=False, soft_wrap=True)
    if skipped:
        console.print(f"Skipped, as they hold something else: {counted(len(skipped), 'file')}.")
        for reported in skipped[:MOST_SKIPPED]:
            console.print(f"  {reported}", markup=False, soft_wrap=True)


def _next_steps(report: Report) -> Iterator[str]:
    if report.absent:
        lacking = f"{counted(report.absent, 'minute')} of the sessions without a bar"
        yield f"{lacking}; manage.py data_status --dataset {report.dataset} has more"
    if report.playable:
        date, symbols = report.playable
        yield f"manage.py play {' '.join(symbols)} {date} --dataset {report.dataset} plays the last day"
    yield f"import {report.number}; manage.py undo_import {report.number} takes it back"


def _figures(reports: Sequence[Report], dry_run: bool) -> Table:
    table = Table(title="Nothing was written: dry run" if dry_run else None, box=box.SIMPLE)
    for name in ("dataset", *FIGURES, "first", "last"):
        heading = name.removesuffix("_session")
        table.add_column(heading, justify="right" if name in FIGURES else "left", no_wrap=True)
    for report in reports:
        row = report.figures()
        figures = (f"{row[name]:,}" for name in FIGURES)
        table.add_row(report.dataset, *figures, row["first"] or "-", row["last"] or "-")
    return table


def _explain(console: Console, report: Report) -> None:
    """What was decided, once for files that are read alike; every symbol; the first reasons of rejected rows."""
    for decisions in report.alike():
        first = decisions[0]
        name = Path(first.file).name
        which = name if len(decisions) == 1 else f"{len(decisions)} files such as {name}"
        console.print(f"{report.dataset}: {which}", markup=False, soft_wrap=True)
        more = [f"{Path(each.file).name}: {note}" for each in decisions[1:] for note in each.notes]
        unsaid = [f"and {len(more) - MOST_NOTES:,} more of other files"] if len(more) > MOST_NOTES else []
        for line in (*first.lines(), *more[:MOST_NOTES], *unsaid):
            console.print(f"  {line}", markup=False, soft_wrap=True)
    console.print(f"{report.dataset}: symbols {', '.join(sorted(report.symbols))}", markup=False, soft_wrap=True)
    if report.repaired:
        console.print(f"{report.dataset}: {report.repaired:,} highs or lows repaired, off by a float's noise")
    for reason in report.reasons[:MOST_REASONS]:
        console.print(f"  rejected: {reason}", markup=False, soft_wrap=True)
