"""`manage.py health replay`: whether this machine's process of that kind works, for whoever asks by a command."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db.models.functions import Now

from marketdata.management.explained import ExplainedCommand
from sessions.models import ServiceHeartbeat
from streaming.management.console import errors_in_one_line, to_json

SILENT_AFTER_SECONDS = {"replay": 30, "upkeep": 180, "beat": 180}
"""A replay worker says every second that it is there; of the other two a round a minute is seen."""
ANSWERS_WITHIN_SECONDS = 5.0


class Command(ExplainedCommand):
    help = "Exit code 0 where the process of that kind works: web by its /readyz, the others by their heartbeats."
    examples = (
        "health web",
        "health replay --json",
    )
    exit_codes = {1: "it does not: one line on stderr says why"}

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=["web", *SILENT_AFTER_SECONDS])
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="Where the web listens.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, kind: str, url: str, **options: Any) -> None:
        with errors_in_one_line():
            detail = _web(url) if kind == "web" else _heartbeat(kind)
        self.stdout.write(to_json({"kind": kind, "detail": detail}) if options["json"] else f"{kind}: {detail}")


def _web(url: str) -> str:
    """Asked as the proxy in front asks: with the name that people use, over what is TLS to them."""
    host = next((name for name in settings.ALLOWED_HOSTS if name != "*"), "localhost").removeprefix(".")
    headers = {"Host": host, "X-Forwarded-Proto": "https"}
    request = urllib.request.Request(f"{url}/readyz", headers=headers)  # noqa: S310 - the caller's own address
    try:
        with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN_SECONDS) as answer:  # noqa: S310
            return f"ready ({answer.status})"
    except urllib.error.HTTPError as error:
        raise CommandError(f"{url} answers {error.code}: {error.read(500).decode(errors='replace')}") from None
    except OSError as error:
        raise CommandError(f"{url} does not answer: {error}") from None


def _heartbeat(kind: str) -> str:
    """Replay workers carry their machine's name; the others beat for the whole installation."""
    rows = ServiceHeartbeat.objects.filter(kind=kind)
    if kind == "replay":
        rows = rows.filter(name__contains=socket.gethostname())
    newest = rows.order_by("-seen_at").annotate(now=Now()).first()
    if newest is None:
        raise CommandError(f"No {kind} process has ever said that it is here.")
    silent = (newest.now - newest.seen_at).total_seconds()
    if silent > SILENT_AFTER_SECONDS[kind]:
        raise CommandError(f"{newest.name} was last seen {silent:.0f} s ago.")
    return f"{newest.name} was seen {silent:.0f} s ago"
