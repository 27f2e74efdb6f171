"""`manage.py diff_sessions A B`: the first market minute at which two runs differ, and what differs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from marketdata.management.explained import ExplainedCommand
from streaming.management.console import errors_in_one_line, get_session, to_json
from streaming.verify.diff import Difference, diff


class Command(ExplainedCommand):
    help = "Compare what two sessions published, frame by frame; exit code 1 when they differ."
    examples = (
        "diff_sessions 1 2",
        "diff_sessions 1 2 --json",
    )
    exit_codes = {1: "they differ, or a session is not there"}

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("a", type=int, help="A session's number.")
        parser.add_argument("b", type=int, help="Another's.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        with errors_in_one_line():
            for number in (options["a"], options["b"]):
                get_session(number)
            found = diff(options["a"], options["b"])
        for line in [to_json(found.report())] if options["json"] else _lines(found):
            self.stdout.write(line)
        if not found.equal:
            raise SystemExit(1)


def _lines(found: Difference) -> list[str]:
    a, b = found.sessions
    if not found.compared and found.equal:
        return [f"Sessions {a} and {b} have no frame of the same time: there is nothing to compare."]
    if found.equal:
        return [f"Sessions {a} and {b} are equal in all {found.compared} frames that both have."]
    lines = [f"Sessions {a} and {b} are equal in {found.compared} frames and differ at {found.clock}:"]
    lines += [f"  {_line(detail, a, b)}" for detail in found.details]
    return [*lines, f"  … and {found.more} more"] if found.more else lines


def _line(detail: dict[str, Any], a: int, b: int) -> str:
    about = " ".join(str(detail[key]) for key in ("what", "symbol", "interval", "start") if detail.get(key))
    if isinstance(detail["a"], bool) and "field" not in detail:
        return f"{about}: only in session {a if detail['a'] else b}"
    name = f" {detail['field']}" if "field" in detail else ""
    return f"{about}{name}: {detail['a']} in session {a}, {detail['b']} in session {b}"
