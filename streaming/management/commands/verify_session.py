"""`manage.py verify_session ID`: make the run again from journal and store, and compare."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from marketdata.management.explained import ExplainedCommand
from streaming.management.console import errors_in_one_line, get_session, to_json
from streaming.verify import jobs
from streaming.verify.session import Findings, verify


class Command(ExplainedCommand):
    help = "Make a session's run again from its journal and the store: chain, order, no look-ahead."
    examples = (
        "verify_session 1",
        "verify_session 1 --json",
    )
    exit_codes = {1: "it is not what its journal and the store give, or is not there"}

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int, help="The session's number.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        with errors_in_one_line():
            get_session(options["id"])
            found = verify(options["id"])
            jobs.keep(found)
        for line in [to_json(found.report())] if options["json"] else _lines(found):
            self.stdout.write(line)
        if not found.ok:
            raise CommandError(f"Session {found.session.pk} is not what its journal and the store give.")


def _lines(found: Findings) -> list[str]:
    lines = [
        f"Generation {made['generation']}: {made['frames']} frames of {made['days']} day{'s' * (made['days'] != 1)}, "
        f"{made['first']} to {made['last']}, chain {made['chain']}"
        for made in found.generations
    ]
    same = sum(bool(cut["identical"]) for cut in found.cuts)
    lines.append(f"Look-ahead: output identical at {same} of {len(found.cuts)} instants at which the data was cut off")
    lines.append(f"Redis: {found.published} frames compared byte for byte")
    lines += [f"✗ {problem}" for problem in found.problems]
    if found.ok:
        about = f"chain {found.session.run.chain}" if found.session.run.chain else "it has no frame yet"
        lines.append(f"✓ Session {found.session.pk} ({found.session.state}) is verified: {about}")
    return lines
