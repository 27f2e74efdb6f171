"""`manage.py system_status`: the system as a tree."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import CommandParser
from rich.console import Console

from marketdata.management.explained import ExplainedCommand
from sessions.market_time import shown_in
from streaming.management.console import to_json
from streaming.management.tree import Node, as_rich, as_text
from streaming.status import system_status


class Command(ExplainedCommand):
    help = "Show services, workers, beat and every live session. Exit code 1 when a service is down."
    examples = (
        "system_status",
        "system_status --json",
    )
    exit_codes = {1: "a service is down"}

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        status = system_status()
        if options["json"]:
            self.stdout.write(to_json(status))
        else:
            self._show([system_tree(status), *session_trees(status["sessions"])])
        if status["system"] == "down":
            sys.exit(1)

    def _show(self, trees: list[Node]) -> None:
        if self.stdout.isatty():
            console = Console(file=self.stdout)  # type: ignore[arg-type]
            for tree in trees:
                console.print(as_rich(tree))
        else:
            self.stdout.write("\n".join(line for tree in trees for line in as_text(tree)))


def system_tree(status: dict[str, Any]) -> Node:
    now = status["at"]
    workers = [Node(_worker_line(row, now)) for row in status["workers"]] or [Node("none")]
    beat = status["beat"]
    last_run = f"last run {_ago(beat['last_run'], now)}" if beat["last_run"] else "never ran"
    problems = [Node("Problems", [Node(text) for text in status["problems"]])] if status["problems"] else []
    return Node(
        f"System: {status['system']}",
        [
            Node("Services", [Node(_service_line(row)) for row in status["services"]]),
            Node("Workers", workers),
            Node(f"Beat: {last_run}"),
            *problems,
        ],
    )


def session_trees(sessions: list[dict[str, Any]]) -> list[Node]:
    if not sessions:
        return [Node("Session Data", [Node("Session Active: No"), Node("Active Symbols: 0 symbols")])]
    return [Node("Session Data", [Node(line) for line in session_lines(row)]) for row in sessions]


def session_lines(row: dict[str, Any]) -> list[str]:
    """The specification's three lines first, in its words."""
    count = row["active_symbols"]
    real = "" if row["real_speed"] is None else f" (real {row['real_speed']:.4g})"
    days = ", ".join(map(str, row["days_held"])) or "none"
    return [
        f"Session Date: {row['session_date']}",
        f"Session Active: {'Yes' if row['session_active'] else 'No'}",
        f"Active Symbols: {count} symbol{'' if count == 1 else 's'}",
        f"Session: {row['id']} {row['name']}".rstrip(),
        f"State: {row['state']}" + (f" ({row['reason']})" if row["reason"] else ""),
        _clock_line(row),
        f"Symbols: {_some(row['symbols'])}",
        f"Streams: {row['streams']}",
        f"Bars: {row['bars']} ({row['bars_held']} held)",
        f"Quality: {'n/a' if row['quality'] is None else format(row['quality'], '.1%')}",
        f"Days Held: {days}",
        f"Speed: {'as fast as possible' if row['speed'] == 0 else format(row['speed'], 'g')}{real}",
        f"Clock Error: {'n/a' if row['clock_error'] is None else format(row['clock_error'], '.0f') + ' ms (p99)'}",
        f"Bottleneck: {row['bottleneck'] or 'none'}",
        f"Dataset: {row['dataset']}" + (" (synthetic)" if row["synthetic"] else ""),
        f"Worker: {row['worker'] or 'none yet'}",
        f"Readers: {_readers(row['readers'], row['slowest_reader'])}",
    ]


def _clock_line(row: dict[str, Any]) -> str:
    if not row["clock"]:
        return "Clock: not yet running"
    return f"Clock: {shown_in(ZoneInfo(row['zone']), row['clock'])}"


def _some(symbols: list[str], most: int = 10) -> str:
    more = len(symbols) - most
    return ", ".join(symbols[:most]) + (f" and {more} more" if more > 0 else "")


def _service_line(row: dict[str, Any]) -> str:
    if not row["ok"]:
        return f"{row['name']}: does not answer ({row['detail']})"
    return f"{row['name']}: {row['version']}" + (f" ({row['detail']})" if row["detail"] else "")


def _readers(count: int | None, slowest: dict[str, Any] | None) -> str:
    if slowest is None:
        return "not known" if count is None else str(count)
    name = " ".join(filter(None, (slowest["kind"], slowest["name"])))
    frames = slowest["lag_frames"]
    lag = f"{frames} frame{'' if frames == 1 else 's'}, {slowest['lag_seconds']} s of market time behind"
    return f"{count} (slowest: {name}, {lag})"


def _worker_line(row: dict[str, Any], now: dt.datetime) -> str:
    there = f"{row['in_use']} of {row['capacity']} in use" if row["capacity"] else _did(row["detail"])
    return f"{row['name']} ({row['kind']}): {there if row['alive'] else 'gone'}, seen {_ago(row['seen_at'], now)}"


def _did(detail: dict[str, Any]) -> str:
    """What upkeep's last round came to: 2 sessions, 12 filled in 0.04 s."""
    done = ", ".join(f"{count} {kind}" for kind, count in detail.get("did", {}).items() if count)
    return f"{done or 'nothing to do'} in {detail.get('seconds', 0):.2f} s"


def _ago(moment: dt.datetime, now: dt.datetime) -> str:
    return f"{max(0, round((now - moment).total_seconds()))} s ago"
