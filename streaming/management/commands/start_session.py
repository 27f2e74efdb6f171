"""`manage.py start_session AAPL MSFT`: the stream service in the foreground."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from marketdata.hours import Hours
from streaming.base.stream_types import DEFAULT_STEP_MS
from streaming.management.console import parse_day, parse_list, parse_number
from streaming.management.starting import StartingCommand
from streaming.starts import service
from streaming.starts.request import Say, StartRequest
from streaming.starts.service import Started


class Command(StartingCommand):
    requires_system_checks = ("providers",)
    help = "Replay a stored market day: fetch it, start a session, wait until a worker has it."
    examples = (
        "start_session AAPL MSFT",
        "start_session AAPL --date 2025-07-02 --until 2025-07-07 --speed 60 --follow",
        "start_session AAPL --provider synthetic --speed 0 --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("symbols", nargs="+", metavar="SYM", help="E.g. AAPL MSFT.")
        parser.add_argument("--date", metavar="D", help="First day; default: the latest with all the symbols.")
        parser.add_argument("--until", metavar="D", help="Last day; default: the first.")
        parser.add_argument("--speed", default="1", metavar="X", help="Market seconds per second; 0: no waiting.")
        parser.add_argument("--night", default="3", metavar="S", help="Seconds between two days; none at speed 0.")
        parser.add_argument("--paused", action="store_true", help="Stand at the first open until it is resumed.")
        parser.add_argument("--interval", default="1m", help="1m is the only one that is replayed.")
        parser.add_argument("--derive", default="5m,15m", help="Wider bars to make; '' for none.")
        parser.add_argument("--types", default="bars", help="Of bars, ticks (trades) and quotes: bars,ticks,quotes.")
        parser.add_argument(
            "--clock-step", type=int, default=DEFAULT_STEP_MS, metavar="MS", help="How trades and quotes are grouped."
        )
        parser.add_argument(
            "--hours",
            default=Hours.REGULAR,
            help="regular, or extended: from 04:00 to 20:00 New York, 17:00 on half days.",
        )
        parser.add_argument("--dataset", default="", metavar="N", help="Default: real before synthetic.")
        parser.add_argument("--provider", default="", metavar="P", help="Fetches days the store lacks.")
        parser.add_argument("--name", default="", metavar="N", help="To find it again.")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--as-known", action="store_true", help="Each version from when the market knew it.")
        which.add_argument("--final", action="store_true", help="The newest version of each day (the default).")

    def start(self, options: dict[str, Any], say: Say) -> Started:
        return service.start(_request(options), say)


def _request(options: dict[str, Any]) -> StartRequest:
    return StartRequest(
        symbols=tuple(part for given in options["symbols"] for part in parse_list(given)),
        date=parse_day(options["date"], "--date"),
        until=parse_day(options["until"], "--until"),
        speed=parse_number(options["speed"], "--speed"),
        paused=options["paused"],
        night_seconds=parse_number(options["night"], "--night"),
        interval=options["interval"],
        derive=parse_list(options["derive"]),
        types=parse_list(options["types"]),
        clock_step=options["clock_step"],
        hours=options["hours"],
        dataset=options["dataset"],
        provider=options["provider"],
        name=options["name"],
        as_known=options["as_known"],
        created_by="start_session",
    )
