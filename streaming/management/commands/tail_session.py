"""`manage.py tail_session ID`: a session's events, one a line, made for pipes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import aclosing
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from django.core.management.base import CommandError, CommandParser

from marketdata.kinds import TICK_KINDS
from marketdata.management.explained import ExplainedCommand
from marketdata.store import spelled_as
from sessions.models import Session
from streaming.base.stream_types import parse_types
from streaming.engine.publishing.lockstep import BadWindow, NameTaken
from streaming.management.console import errors_in_one_line, get_session, parse_list
from streaming.management.tail_text import text_lines
from streaming.reading.reader import CursorError, SessionUnknown, follow


class Command(ExplainedCommand):
    help = "Print a session's events as they come, until it ends: in exchange time, or as JSON with UTC."
    examples = (
        "tail_session 1",
        "tail_session 1 --from-start --symbols AAPL --intervals 5m --flat",
        "tail_session 1 --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int, help="The session's number.")
        parser.add_argument("--symbols", help="Only these, e.g. AAPL,MSFT.")
        parser.add_argument("--intervals", help="Only these, e.g. 1m,5m.")
        parser.add_argument("--types", help="Only these of bars, ticks (trades) and quotes.")
        place = parser.add_mutually_exclusive_group()
        place.add_argument("--after", metavar="CURSOR", help="Go on after this frame's id.")
        place.add_argument("--from-start", action="store_true", help="Every event of the run.")
        parser.add_argument("--lockstep", metavar="NAME", default="", help="Have the replay wait for this reader.")
        parser.add_argument("--window", type=int, default=1, help="Frames out unacknowledged in lockstep, 1 to 100.")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="One JSON object a frame, as the API's streams send it.")
        form.add_argument(
            "--flat", action="store_true", help="One JSON object an event; the day so far first, likewise."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with errors_in_one_line(CursorError, SessionUnknown, BadWindow, NameTaken):
                session = get_session(options["id"])
                asyncio.run(self._tail(session.pk, session.calendar.zone, options, **_filters(session, options)))
        except KeyboardInterrupt:
            return
        except BrokenPipeError:
            # The reader has what it wanted. Python flushes stdout once more on exit: let that go nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    async def _tail(self, session_id: int, zone: ZoneInfo, options: dict[str, Any], **filters: Any) -> None:
        text = partial(text_lines, zone=zone)
        written = frame_line if options["json"] else flat_lines if options["flat"] else text
        place = {"after": options["after"], "from_start": options["from_start"]}
        step = {"lockstep": options["lockstep"], "window": options["window"]}
        frames = follow(session_id, **place, **step, kind="tail_session", **filters)
        async with aclosing(frames):  # type: ignore[type-var]
            async for frame in frames:
                if frame["events"] and (lines := written(frame)):
                    self.stdout.write(lines)
                    self.stdout.flush()


def _filters(session: Session, options: dict[str, Any]) -> dict[str, Any]:
    """The wanted symbols and intervals; one that the session never has would wait in silence."""
    played = session.streams.values_list("instrument__symbol", flat=True)
    symbols = spelled_as(parse_list(options["symbols"]), played)
    intervals = list(parse_list(options["intervals"]))
    _demand(session, "symbol", symbols, list(played))
    _demand(session, "interval", intervals, [session.interval, *session.derive])
    types = parse_types(parse_list(options["types"])) if options["types"] else None
    _demand(session, "stream type", [str(name) for name in types or ()], session.types)
    return {"symbols": symbols or None, "intervals": intervals or None, "types": types}


def _demand(session: Session, what: str, wanted: list[str], there: list[str]) -> None:
    if unknown := [name for name in wanted if name not in there]:
        raise CommandError(f"Session {session.pk} has no {what} {unknown[0]}: it has {', '.join(there)}.")


def frame_line(frame: dict[str, Any]) -> str:
    return orjson.dumps(frame).decode()


def flat_lines(frame: dict[str, Any]) -> str:
    place = {"id": frame["id"], "clock": frame["clock"]}
    return "\n".join(orjson.dumps({**place, **event}).decode() for event in single_events(frame))


def single_events(frame: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A frame's events; a snapshot as the bars, trades and quotes that it has."""
    for event in frame["events"]:
        if event["type"] == "snapshot":
            for held in ("bars", *(kind.label for kind in TICK_KINDS)):
                yield from event.get(held, ())
        else:
            yield event
