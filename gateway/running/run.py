"""One run of a bot: its account and key, its web server, its clock, its process, and what it leaves on the session."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import time_machine

from broker import accounts
from broker.accounts import called
from broker.models import Account, AccountEvent, Order
from gateway.callers.key_auth import Credentials
from gateway.running import other_programs
from gateway.running.bot_at_work import BotAtWork
from gateway.running.clock_file import ClockFile
from gateway.running.environment import environment
from gateway.running.front import LOOPBACK, Front
from gateway.running.lockstep import LockstepRun
from gateway.running.market_time import MarketTime
from gateway.running.process import BotProcess
from gateway.running.side_thread import SideThread
from sessions import keys
from sessions.models import Session

BY = "run_bot"
LOOK_EVERY_SECONDS = 0.1
NO_PROGRAM = 127
"""Exit code of shells for a program that is not there."""
FAILED = 1
AFTER_THE_END = ", stopped after the session's end"
NOT_LED = "Hosts written in its code are not led here: it is to read APCA_API_BASE_URL."
Say = Callable[[str, bool], None]
"""A line, and whether it is for stderr."""


class BotRun:
    """Runs `command` on an account of the session until it ends, or some seconds after the session did."""

    def __init__(
        self,
        session: Session,
        account: Account,
        command: Sequence[str],
        say: Say,
        linger: float,
        *,
        lockstep: bool = False,
    ) -> None:
        self.session, self.account, self.command, self.say, self.linger = session, account, command, say, linger
        self.lockstep = lockstep
        self.has_hook = other_programs.has_hook(command[0])
        self.reason = self.lost = ""
        self.beside: list[SideThread] = []

    def run(self) -> int:
        """Returns the bot's exit code; 0 where it was stopped because the session is over."""
        before = Order.objects.filter(account=self.account).count()
        fills = AccountEvent.objects.filter(account=self.account, qty__isnull=False).count()
        key, secret, _ = accounts.create_key(self.session, self.account, by=BY, lockstep=self.lockstep)
        line = shlex.join(self.command)
        self.session.record("bot", f"{line} started on {called(self.account.name)}", by=BY, key_id=key.key_id)
        code = NO_PROGRAM
        try:
            with tempfile.TemporaryDirectory(prefix="tapedeck-run-") as folder:
                code = self._play(Path(folder), Credentials(key.key_id, secret))
        finally:
            with contextlib.suppress(keys.KeyUnknown):  # it went with the session
                keys.revoke(key.key_id, by=BY)
            orders = max(0, Order.objects.filter(account=self.account).count() - before)
            fills = max(0, AccountEvent.objects.filter(account=self.account, qty__isnull=False).count() - fills)
            self._record_end(line, code, orders, fills)
        if self.lost:
            return code or FAILED
        return 0 if self.reason == AFTER_THE_END else code

    def _record_end(self, line: str, code: int, orders: int, fills: int) -> None:
        ended = f"{line} ended with exit code {code}{self.reason}: {counted(orders, 'order')}, {counted(fills, 'fill')}"
        level = "info" if code == 0 or self.reason else "warning"
        data = {"exit_code": code, "orders": orders, "fills": fills, "account": self.account.name}
        self.say(ended, True)
        if session := Session.objects.filter(pk=self.session.pk).first():
            session.record("bot", ended, level=level, by=BY, **data)

    def _play(self, folder: Path, credentials: Credentials) -> int:
        front = Front(folder, credentials)
        try:
            front.start()
            with self._clock(folder) as market, self._waiting(folder, front, market, credentials):
                return self._follow(folder, front, market, credentials)
        finally:
            front.stop()

    @contextmanager
    def _clock(self, folder: Path) -> Iterator[MarketTime]:
        file = ClockFile(folder / "clock")
        fake = other_programs.FakeTimeFile(folder)
        also = None if self.has_hook else fake.write
        market = MarketTime(self.session.pk, file, also, lockstep=self.lockstep)
        market.start()
        self.beside.append(market.thread)
        try:
            yield market
        finally:
            market.stop()
            file.close()

    @contextmanager
    def _waiting(self, folder: Path, front: Front, market: MarketTime, credentials: Credentials) -> Iterator[None]:
        """Have the replay wait for the bot, if it is to."""
        if not self.lockstep:
            yield
            return
        waiting = LockstepRun(
            credentials.key, BotAtWork(folder), front.watched, market, lambda line: self.say(line, True)
        )
        waiting.start()
        self.beside.append(waiting.thread)
        try:
            yield
        finally:
            waiting.stop()

    def _follow(self, folder: Path, front: Front, market: MarketTime, credentials: Credentials) -> int:
        write_for_the_hook(folder, front, lockstep=self.lockstep)
        base = None if self.has_hook else f"http://{LOOPBACK}:{front.plain_port}/alpaca"
        variables = environment(os.environ, folder, credentials, base)
        variables |= self._faked(folder)
        bot = BotProcess(self.command, variables, lambda line, error: self.say(f"{market.stamp()} {line}", error))
        try:
            while not bot.ended(LOOK_EVERY_SECONDS):
                if market.ended_at is not None and time.monotonic() > market.ended_at + self.linger:
                    self.reason = AFTER_THE_END
                    bot.end()
                elif lost := next((one.lost for one in self.beside if one.lost), ""):
                    self.lost, self.reason = lost, f", stopped: {lost}"
                    bot.end()
        except KeyboardInterrupt:
            self.reason = ", stopped by the keyboard"
            bot.end()
        finally:
            bot.end()
            bot.close()
        if self.has_hook and not (folder / "hooked").exists():
            self.say(
                "The start-up hook did not run: the bot had the computer's clock and the vendor's own hosts.", True
            )
        return bot.exit_code

    def _faked(self, folder: Path) -> dict[str, str]:
        """For programs without a hook, with what they do not get said."""
        if self.has_hook:
            return {}
        library = other_programs.library()
        clock = "its timers are in real time" if library else "without libfaketime it has the computer's clock"
        self.say(f"{self.command[0]} is neither Python nor Node: {clock}. {NOT_LED}", True)
        return other_programs.preloaded(library, folder, os.environ.get("LD_PRELOAD", "")) if library else {}


def write_for_the_hook(folder: Path, front: Front, *, lockstep: bool = False) -> None:
    """`start_up/tapedeck_market` reads it. time-machine is lent to environments that do not have it."""
    lent = folder / "libraries"
    lent.mkdir()
    package = Path(time_machine.__file__).parent
    for path in (package, *package.parent.glob("_time_machine*")):
        (lent / path.name).symlink_to(path)
    run = {"tls_port": front.tls_port, "plain_port": front.plain_port, "libraries": str(lent), "lockstep": lockstep}
    (folder / "run.json").write_text(json.dumps(run))


def counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
