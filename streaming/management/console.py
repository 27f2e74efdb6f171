"""What the session commands share: their arguments, their errors in one line, their JSON."""

from __future__ import annotations

import datetime as dt
import json
from argparse import ArgumentTypeError
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import InterfaceError, OperationalError
from django.urls import reverse
from kombu.exceptions import OperationalError as BrokerError

from marketdata.errors import MarketDataError
from marketdata.management.arguments import day
from marketdata.management.explained import ExplainedCommand
from sessions import postgres_faults
from sessions.control import ControlError
from sessions.market_time import BadMoment
from sessions.models import Session, TransitionError
from sessions.redis_faults import refusal
from streaming.base.json_values import as_json
from streaming.starts.error import StartError

REFUSALS: tuple[type[Exception], ...] = (
    StartError,
    ControlError,
    TransitionError,
    MarketDataError,
    BadMoment,
)


@contextmanager
def errors_in_one_line(*more: type[Exception]) -> Iterator[None]:
    """What a person can do something about, `more` included, ends a command with one line and exit code 1."""
    try:
        yield
    except REFUSALS + more as error:
        raise CommandError(str(error)) from error
    except (OperationalError, InterfaceError) as error:
        if (said := postgres_faults.fault(error)) != postgres_faults.NO_ANSWER:
            raise CommandError(f"{said}.") from error
        reason = str(error).strip().splitlines()[0]
        raise CommandError(f"Postgres does not answer ({reason}): start Tapedeck with `manage.py up`.") from error
    except (redis.RedisError, BrokerError) as error:
        if refused := refusal(error.__cause__ or error):
            raise CommandError(f"{refused}.") from error
        raise CommandError(f"Redis does not answer ({error}): start Tapedeck with `manage.py up`.") from error


def get_session(session_id: int) -> Session:
    found = Session.objects.with_run().filter(pk=session_id).first()
    if found is None:
        newest = Session.objects.order_by("-pk").values_list("pk", flat=True)[:5]
        there = f"the newest are {', '.join(map(str, newest))}" if newest else "there are none yet"
        raise CommandError(f"There is no session {session_id}: {there}.")
    return found


def parse_number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise CommandError(f"{name} {text!r} is not a number: give e.g. 60, or 0 for as fast as possible.") from None


def parse_day(text: str | None, name: str) -> dt.date | None:
    try:
        return day(text) if text else None
    except ArgumentTypeError as error:
        raise CommandError(f"{name} {error}.") from None


def parse_list(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def admin_address(session_id: int) -> str:
    base = settings.TAPEDECK_URL.rstrip("/")
    return f"{base}{reverse('admin:replay_session_change', args=[session_id])}"


def to_json(value: Any) -> str:
    return json.dumps(value, default=as_json, ensure_ascii=False)


class ControlCommand(ExplainedCommand):
    """One of the verbs of `sessions.control` on one session."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int, help="The session's number.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def control(self, session_id: int, options: dict[str, Any]) -> Session:
        raise NotImplementedError

    def line(self, session: Session) -> str:
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        with errors_in_one_line():
            get_session(options["id"])
            session = self.control(options["id"], options)
        payload = {"id": session.pk, "state": session.state, "paused": session.paused, "speed": session.speed}
        payload["stop_requested"] = session.stop_requested
        self.stdout.write(to_json(payload) if options["json"] else self.style.SUCCESS(self.line(session)))


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Lines of cells under their heads, each column as wide as its widest."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows))
    return "\n".join(line.rstrip() for line in lines)
