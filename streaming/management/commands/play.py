"""`manage.py play AAPL 2025-07-02`: `start_session` in few words, shown until it ends."""

from __future__ import annotations

import re
from typing import Any

from django.core.management.base import CommandError, CommandParser

from streaming.management.commands import start_session
from streaming.management.console import parse_list
from streaming.starts.request import Say
from streaming.starts.service import Started

SPEED = "60"
DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")


class Command(start_session.Command):
    help = "Replay a day and show it until it ends: symbols, then the day, or the first and the last."
    examples = (
        "play AAPL 2025-07-02",
        "play AAPL MSFT 2025-07-02 2025-07-07 --speed 600",
        "play AAPL --provider synthetic --no-follow",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--no-follow", dest="follow", action="store_false", help="Return once it plays.")
        parser.set_defaults(follow=True, speed=SPEED)

    def start(self, options: dict[str, Any], say: Say) -> Started:
        words = [word for given in options["symbols"] for word in parse_list(given)]
        dates = [word for word in words if DATE.fullmatch(word)]
        if len(dates) > 2:
            raise CommandError(f"{', '.join(dates)} are {len(dates)} days: give one, or the first and the last.")
        options["symbols"] = [word for word in words if word not in dates]
        if not options["symbols"]:
            raise CommandError(f"{', '.join(words)} names no symbol: write e.g. `play AAPL {words[0]}`.")
        first, last = (*dates, None, None)[:2]
        for option, date in (("date", first), ("until", last)):
            if date and options[option]:
                raise CommandError(f"--{option} {options[option]} and {date} are both given: leave one out.")
            options[option] = options[option] or date
        return super().start(options, say)
