"""`manage.py sessions`: what plays and what has played, a line each."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Prefetch

from marketdata.management.explained import ExplainedCommand
from sessions.market_time import shown
from sessions.models import ActiveStream, Session, symbols_of
from streaming.management.console import errors_in_one_line, table, to_json

HEAD = ("ID", "STATE", "DAYS", "CLOCK", "SPEED", "DATASET", "SYMBOLS", "NAME")
SYMBOLS_SHOWN = 5


class Command(ExplainedCommand):
    help = "List the sessions, the newest first: state, days, clock, speed, dataset and symbols."
    examples = (
        "sessions",
        "sessions --live --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--live", action="store_true", help="Only those that have not ended.")
        parser.add_argument("--limit", type=int, default=20, metavar="N", help="At most so many; default: 20.")
        parser.add_argument("--json", action="store_true", help="Print one JSON list.")

    def handle(self, *args: Any, **options: Any) -> None:
        with errors_in_one_line():
            chosen = Session.objects.live() if options["live"] else Session.objects.all()
            streams = Prefetch("streams", ActiveStream.objects.select_related("instrument"))
            found = list(chosen.with_run().prefetch_related(streams).order_by("-pk")[: max(1, options["limit"])])
        if options["json"]:
            self.stdout.write(to_json([_row(session) for session in found]))
        elif found:
            self.stdout.write(table(HEAD, [_cells(session) for session in found]))
        else:
            self.stdout.write("No session yet: start one with `tapedeck play AAPL 2025-07-02`, or in the admin.")


def _symbols(session: Session) -> list[str]:
    return symbols_of(session.streams.all())


def _row(session: Session) -> dict[str, Any]:
    return {
        "id": session.pk,
        "name": session.name,
        "state": session.state,
        "reason": session.reason,
        "start_date": session.start_date,
        "end_date": session.end_date,
        "clock": session.run.clock,
        "speed": session.speed,
        "dataset": session.dataset.name,
        "symbols": _symbols(session),
    }


def _cells(session: Session) -> tuple[str, ...]:
    days = f"{session.start_date}" + (f" - {session.end_date}" if session.end_date > session.start_date else "")
    clock = shown(session.run.clock, session, "%Y-%m-%d %H:%M") if session.run.clock else "-"
    symbols = _symbols(session)
    more = f" and {len(symbols) - SYMBOLS_SHOWN} more" if len(symbols) > SYMBOLS_SHOWN else ""
    some = ", ".join(symbols[:SYMBOLS_SHOWN]) + more
    speed = f"{session.speed:g}" if session.speed else "0 (no waiting)"
    return (str(session.pk), session.state, days, clock, speed, session.dataset.name, some, session.name)
