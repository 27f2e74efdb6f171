"""What the commands share that start a session: the service in the foreground, its lines, `--follow`, `--json`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import Console

from marketdata.management.explained import ExplainedCommand
from marketdata.management.program import INTERRUPTED
from sessions.market_time import shown
from sessions.models import Session, State
from streaming.management.console import admin_address, errors_in_one_line, get_session, to_json
from streaming.management.watch import watch
from streaming.reading.reader import SessionUnknown
from streaming.starts import service
from streaming.starts.request import Say
from streaming.starts.service import Started


class StartingCommand(ExplainedCommand):
    """Starts one session and shows it."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--follow", action="store_true", help="Show the replay until it ends.")
        parser.add_argument("--json", action="store_true", help="One JSON object on stdout, lines on stderr.")

    def start(self, options: dict[str, Any], say: Say) -> Started:
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        lines = self.stderr if options["json"] else self.stdout
        lines.style_func = None
        with errors_in_one_line(SessionUnknown):
            started = self._started(options, lines.write)
            if options["json"]:
                self.stdout.write(to_json(_summary(started)))
                self.stdout.flush()
            for line in _closing_lines(started):
                lines.write(line)
            if options["follow"]:
                self._follow(started.session, Console(file=lines))  # type: ignore[arg-type]

    def _started(self, options: dict[str, Any], say: Say) -> Started:
        try:
            return self.start(options, say)
        except KeyboardInterrupt:
            say("Interrupted: what was begun has been ended.")
            raise SystemExit(INTERRUPTED) from None

    def _follow(self, session: Session, console: Console) -> None:
        try:
            progress = watch(session, console)
        except KeyboardInterrupt:
            console.print(f"Session {session.pk} goes on: stop it with `manage.py stop_session {session.pk}`.")
            return
        if progress.state == State.FAILED:
            raise CommandError(f"Session {session.pk} failed: {progress.reason}")


class CopyCommand(StartingCommand):
    """Starts another session like a given one."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int, help="The session's number.")
        super().add_arguments(parser)

    def copy(self, session: Session, options: dict[str, Any]) -> Session:
        raise NotImplementedError

    def start(self, options: dict[str, Any], say: Say) -> Started:
        service.require_worker()
        return service.open_streams(self.copy(get_session(options["id"]), options), say)


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
        "symbols": sorted({*started.symbols, *started.skipped}),
        "types": session.types,
        "hours": session.hours,
        "bars": started.bars,
        "ticks": started.ticks,
        "quotes": started.quotes,
        "failures": started.failures,
        "admin": admin_address(session.pk),
    }


def _closing_lines(started: Started) -> list[str]:
    session = started.session
    days = f"{session.start_date}" + (f" to {session.end_date}" if session.end_date > session.start_date else "")
    synthetic = " (synthetic)" if session.dataset.synthetic else ""
    pace = "as fast as possible" if session.speed == 0 else f"at speed {session.speed:g}"
    begins = f", begins at {shown(session.start_at, session)}" if session.start_at else ""
    stands = f", paused: `manage.py resume_session {session.pk}` lets it go on" if session.paused else ""
    return [
        f"Session {session.pk}: {days} from dataset {session.dataset}{synthetic}, {pace}{begins}{stands}",
        f"Admin: {admin_address(session.pk)}",
    ]
