"""`manage.py run_bot SESSION -- python bot.py`."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import CommandError, CommandParser

from broker import accounts
from broker.accounts import AccountError, Opening
from broker.models import Account
from gateway.running.other_programs import ignores_hook, is_python
from marketdata.management.explained import ExplainedCommand
from marketdata.management.program import INTERRUPTED
from sessions.models import Session
from streaming.management.console import errors_in_one_line, get_session

ACCOUNT = "bot"
MISSING = f"run_bot needs time-machine and trustme: `{sys.executable} -m pip install time-machine trustme`."


class Command(ExplainedCommand):
    help = (
        "Run a bot that was written for the broker, as it is, inside a session: with a key, with the broker's hosts "
        "led here, and with the session's clock. Its exit code is the command's."
    )
    examples = (
        "run_bot 1 -- python bot.py",
        "run_bot 1 --account swing -- python -m my_bot --symbols AAPL",
        "run_bot 1 --lockstep -- python bot.py",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int, help="The session's number.")
        parser.add_argument("--account", default="", help="By name; made where there is none. Default: bot.")
        parser.add_argument(
            "--linger", type=float, default=5.0, metavar="S", help="Seconds it has after the session's end. Default: 5."
        )
        parser.add_argument(
            "--lockstep",
            action="store_true",
            help="Market time waits for the bot (Python): no frame goes out before it sleeps or waits for one.",
        )
        parser.add_argument(
            "program", nargs="+", metavar="-- PROGRAM", help="The bot's command line, after two dashes."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from gateway.running.front import FrontError
            from gateway.running.run import BotRun
        except ModuleNotFoundError as error:
            raise CommandError(f"There is no {error.name}. {MISSING}") from None
        check_program(options["program"])
        if options["lockstep"] and not is_python(options["program"][0]):
            raise CommandError(
                f"--lockstep needs a bot that Python runs: {options['program'][0]} does not say when it waits."
            )
        with errors_in_one_line(AccountError, FrontError):
            session = live_session(options["id"])
            check_script(options["program"])
            account = account_for(session, options["account"] or ACCOUNT)
            signal.signal(signal.SIGTERM, _end)
            run = BotRun(
                session, account, options["program"], self._printer(), options["linger"], lockstep=options["lockstep"]
            )
            try:
                code = run.run()
            except KeyboardInterrupt:
                code = INTERRUPTED
        if code:
            sys.exit(code)

    def _printer(self) -> Any:
        lock = threading.Lock()

        def show(line: str, is_error: bool) -> None:
            with lock:
                stream = self.stderr if is_error else self.stdout
                try:
                    stream.write(line, self.style.NOTICE if is_error else None)
                    stream.flush()
                except BrokenPipeError:  # the reader has what it wanted; the bot goes on
                    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

        return show


def _end(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def check_program(command: Sequence[str]) -> None:
    if shutil.which(command[0]) is None:
        raise CommandError(f"There is no program {command[0]!r}.")
    if option := ignores_hook(command):
        raise CommandError(
            f"With {option} Python reads no start-up hook, which gives it the session's clock: leave it out."
        )


def check_script(command: Sequence[str]) -> None:
    """Before an account is opened for a program that cannot start."""
    script = next((word for word in command[1:] if not word.startswith("-")), "")
    is_code = {"-c", "-m", "-e", "--eval"} & set(command[1:])
    if not is_code and script.endswith((".py", ".js", ".mjs", ".cjs", ".sh")) and not Path(script).is_file():
        raise CommandError(f"There is no file {script!r}.")


def live_session(session_id: int) -> Session:
    session = get_session(session_id)
    if not session.is_live:
        raise CommandError(f"Session {session_id} is {session.state}: a bot needs one that is live.")
    return session


def account_for(session: Session, name: str) -> Account:
    if name and Account.objects.filter(session=session, name=name).exists():
        return accounts.named(session, name)
    return accounts.create(session, Opening(name=name), by="run_bot")
