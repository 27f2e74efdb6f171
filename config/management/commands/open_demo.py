"""`manage.py open_demo`: the session that `up` shows to somebody who has none."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command

from marketdata import calendar, store
from marketdata.management.explained import ExplainedCommand
from sessions.market_time import shown
from sessions.models import Session, State
from streaming.management.console import errors_in_one_line, to_json
from streaming.starts import service
from streaming.starts.request import Say, StartRequest

DEMO, SYMBOLS, SPEED = "demo", ("AAPL", "MSFT"), 60.0
DAYS = 11
SAMPLE = Path(settings.BASE_DIR) / "sample"
"""Recorded days whose licenses let them be given away; an installed package has none."""


class Command(ExplainedCommand):
    help = (
        "Open a session to watch: the newest that is live, else one of AAPL and MSFT, on the sample where it is there."
    )
    examples = (
        "open_demo",
        "open_demo --json",
    )
    requires_system_checks = ("providers",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="One JSON object on stdout, lines on stderr.")

    def handle(self, *args: Any, **options: Any) -> None:
        lines = self.stderr if options["json"] else self.stdout
        lines.style_func = None
        with errors_in_one_line():
            session = self._live(lines.write) or self._new(lines.write)
        if options["json"]:
            self.stdout.write(to_json({"id": session.pk, "name": session.name, "state": session.state}))

    def _live(self, say: Say) -> Session | None:
        live = list(Session.objects.live().exclude(state=State.CREATED).with_run().order_by("-pk"))
        for session in live:
            at = shown(session.run.clock, session, "%Y-%m-%d %H:%M") if session.run.clock else "its start"
            goes = "stays paused" if session.paused else "goes on"
            say(f"Session {session.pk} {goes}: {', '.join(session.symbols())} at {at}")
        return live[0] if live else None

    def _new(self, say: Say) -> Session:
        if store.choose_dataset(SYMBOLS) is None and SAMPLE.is_dir():
            say("Importing sample/: AAPL and MSFT of April 2016, and days of 2013 and 2014 with trades and quotes")
            call_command(
                "import_data", str(SAMPLE / "bars"), str(SAMPLE / "trades"), str(SAMPLE / "quotes"), verbosity=0
            )
        first, last, provider = _window()
        request = StartRequest(
            SYMBOLS, first, last, speed=SPEED, name=DEMO, provider=provider, created_by="manage.py up"
        )
        return service.start(request, say).session


def _window() -> tuple[dt.date, dt.date, str]:
    """The newest days in a row that the store has of both symbols, else made ones; and who makes them.

    A day takes six and a half minutes: who reads on for an hour still finds the session live.
    """
    dataset = store.choose_dataset(SYMBOLS)
    if dataset is None:
        today = dt.datetime.now(dt.UTC).date()
        days = calendar.trading_days(today - dt.timedelta(days=30), today - dt.timedelta(days=1))[-DAYS:]
        return days[0].date, days[-1].date, "synthetic"
    dates = store.dates_with(dataset.pk, SYMBOLS)[-DAYS:]
    first = dates[-1]
    for date in reversed(dates):
        if date != first and calendar.next_trading_day(date).date != first:
            break
        first = date
    return first, dates[-1], ""
