"""`manage.py start_session AAPL MSFT`: the stream service in the foreground."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from sessions.models import Session, State
from streaming import service
from streaming.management.talking import (
    admin_address,
    parse_day,
    parse_list,
    parse_number,
    to_json,
    told_in_a_line,
)
from streaming.management.watch import watch
from streaming.service import Started, StartRequest


class Command(BaseCommand):
    help = "Replay a stored market day: fetch it, start a session, wait until a worker has it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("symbols", nargs="+", metavar="SYM", help="E.g. AAPL MSFT.")
        parser.add_argument("--date", metavar="D", help="First day; default: the latest with all the symbols.")
        parser.add_argument("--until", metavar="D", help="Last day; default: the first.")
        parser.add_argument("--speed", default="1", metavar="X", help="Market seconds per second; 0: no waiting.")
        parser.add_argument("--interval", default="1m")
        parser.add_argument("--derive", default="5m,15m", help="Wider bars to make; '' for none.")
        parser.add_argument("--dataset", default="", metavar="N", help="Default: real before synthetic.")
        parser.add_argument("--provider", default="", metavar="P", help="Fetches days the store lacks.")
        parser.add_argument("--name", default="", metavar="N")
        parser.add_argument("--follow", action="store_true", help="Show the replay until it ends.")
        parser.add_argument("--json", action="store_true", help="One JSON object on stdout, lines on stderr.")

    def handle(self, *args: Any, **options: Any) -> None:
        lines = self.stderr if options["json"] else self.stdout
        lines.style_func = None
        with told_in_a_line():
            started = service.start(_request(options), lines.write)
            if options["json"]:
                self.stdout.write(to_json(_summary(started)))
                self.stdout.flush()
            for line in _closing_lines(started):
                lines.write(line)
            if options["follow"]:
                self._follow(started.session, Console(file=lines))  # type: ignore[arg-type]

    def _follow(self, session: Session, console: Console) -> None:
        try:
            progress = watch(session, console)
        except KeyboardInterrupt:
            console.print(f"Session {session.pk} goes on: stop it with `manage.py stop_session {session.pk}`.")
            return
        if progress.state == State.FAILED:
            raise CommandError(f"Session {session.pk} failed: {progress.reason}")


def _request(options: dict[str, Any]) -> StartRequest:
    return StartRequest(
        symbols=tuple(part for given in options["symbols"] for part in parse_list(given.upper())),
        date=parse_day(options["date"], "--date"),
        until=parse_day(options["until"], "--until"),
        speed=parse_number(options["speed"], "--speed"),
        interval=options["interval"],
        derive=parse_list(options["derive"]),
        dataset=options["dataset"],
        provider=options["provider"],
        name=options["name"],
        created_by="start_session",
    )


def _summary(started: Started) -> dict[str, Any]:
    session = started.session
    return {
        "id": session.pk,
        "name": session.name,
        "state": session.state,
        "dataset": session.dataset.name,
        "synthetic": session.dataset.synthetic,
        "start_date": session.start_date,
        "end_date": session.end_date,
        "speed": session.speed,
        "symbols": sorted({*started.bars, *started.skipped}),
        "bars": started.bars,
        "failures": started.failures,
        "admin": admin_address(session.pk),
    }


def _closing_lines(started: Started) -> list[str]:
    session = started.session
    days = f"{session.start_date}" + (f" to {session.end_date}" if session.end_date > session.start_date else "")
    synthetic = " (synthetic)" if session.dataset.synthetic else ""
    pace = "as fast as possible" if session.speed == 0 else f"at speed {session.speed:g}"
    return [
        f"Session {session.pk}: {days} from dataset {session.dataset}{synthetic}, {pace}",
        f"Admin: {admin_address(session.pk)}",
    ]
