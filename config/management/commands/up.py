"""`manage.py up`: everything in one terminal - services, web, workers, beat, and a session to watch.

It stays, to watch the others: what needs much memory is done by programs of their own.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from rich.console import Console

from config import first_steps
from config.embedded import services
from config.embedded.keeper import Keeper
from config.embedded.lock import ServiceError
from config.supervisor import Child, Supervisor, importing_project
from config.worker_options import QUIET
from marketdata.management.explained import ExplainedCommand
from sessions.market_time import shown
from sessions.models import ServiceHeartbeat, Session

UP_WITHIN = 60.0
# Open streams never end by themselves: the web waits for them three seconds, no longer.
WEB_OPTIONS = [
    "--timeout-keep-alive",
    "75",
    "--ws-ping-timeout",
    "180",
    "--ws-per-message-deflate",  # a thousand clients of one machine would have each frame packed a thousand times
    "false",
    "--timeout-graceful-shutdown",
    "3",
    "--log-level",
    "warning",
]
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ENDING = threading.Event()


class Command(ExplainedCommand):
    help = "Start everything: embedded services, web, both workers and beat. Ctrl-C ends it; sessions stay resumable."
    examples = (
        "up",
        "up --port 8001 --no-session",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="where the web listens; 0.0.0.0: everywhere")
        parser.add_argument("--port", type=int, default=8000, help="default: 8000")
        parser.add_argument("--no-session", action="store_true", help="without the demo session for AAPL and MSFT")

    def handle(self, *args: Any, host: str, port: int, no_session: bool, **options: Any) -> None:
        self.console = Console()
        self.address = reachable(host, port)
        os.environ.setdefault("TAPEDECK_URL", self.address)  # for the addresses that our children print
        var = Path(settings.VAR_DIR)
        try:
            services.prepare(var)
            with only_one(var / "up.lock", self.address):
                supervisor = Supervisor(children(host, port, var), var / "children.json", self.say)
                supervisor.end_leftovers()
                refuse_busy(host, port)
                self._run(supervisor, demo=not no_session)
        except ServiceError as error:
            raise CommandError(str(error)) from None
        self.say("Ended. Sessions that were live go on at the next start.")

    def _run(self, supervisor: Supervisor, demo: bool) -> None:
        """Until somebody ends it; whatever happens, everything that was started ends with it."""
        keeper = Keeper(services.embedded(), self.say)
        for number in ENDS:
            signal.signal(number, _interrupt)
        try:
            self._start(supervisor)
            keeper.start()
            self._watch(supervisor, self._demo() if demo else None)
        except KeyboardInterrupt:
            self.say("Ending …")
        finally:
            _ignore_ends()
            keeper.stop()
            supervisor.stop()
            connection.close()
            services.stop()

    def say(self, line: str) -> None:
        """Best effort: a log on a full disk must not end what runs."""
        with contextlib.suppress(OSError):
            self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _start(self, supervisor: Supervisor) -> None:
        self.say("Starting Postgres and Valkey …")
        services.start()
        first_steps.ensure_secret_key()
        self.say("Bringing the database up to date …")
        if self._manage("migrate", "--verbosity", "0", "--no-input").returncode:
            raise ServiceError("The database could not be migrated.")
        password = first_steps.ensure_admin()
        self.say("Starting the web, the workers and beat …")
        supervisor.start()
        self._await_up(supervisor)
        (Path(settings.VAR_DIR) / "up.url").write_text(self.address)  # for the addresses that other commands print
        self.say(f"Admin     {self.address}/admin/")
        self.say(f"API       {self.address}/api/status/")
        self.say(f"API docs  {self.address}/api/docs/")
        self.say(f"Login     {first_steps.login_line(password)}")

    def _manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another verb of ours: its lines go where ours go, its JSON comes back."""
        command = [sys.executable, "-m", "config.command_line", *arguments]
        return subprocess.run(command, env=importing_project(), stdout=subprocess.PIPE, text=True, check=False)

    def _await_up(self, supervisor: Supervisor) -> None:
        """Until the web answers and a replay worker is there."""
        began, end = dt.datetime.now(dt.UTC), time.monotonic() + UP_WITHIN
        while time.monotonic() < end:
            supervisor.tend()
            if self._answers() and ServiceHeartbeat.objects.filter(kind="replay", seen_at__gt=began).exists():
                return
            time.sleep(0.1)
        raise ServiceError(f"Not everything was up within {UP_WITHIN:g} s: see {settings.VAR_DIR}/log/.")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=1) as reply:  # noqa: S310 - our own address
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _demo(self) -> Session | None:
        """The session to watch: its number is what the program that opened it has answered."""
        answer = self._manage("open_demo", "--json")
        try:
            session = Session.objects.filter(pk=json.loads(answer.stdout)["id"]).first() if answer.stdout else None
        except (DatabaseError, ValueError) as error:  # everything else runs on
            self.say(f"The session to watch is not shown: {error}")
            return None
        if session:
            self.say(f"Session   {self.address}/admin/replay/session/{session.pk}/change/")
        return session

    def _watch(self, supervisor: Supervisor, session: Session | None) -> None:
        """Keep everything running until Ctrl-C; on a terminal with a line that shows the session's clock."""
        with self.console.status("Running. Ctrl-C ends everything.") as status:
            while not ENDING.is_set():
                time.sleep(0.5)
                supervisor.tend()
                if session and self.console.is_terminal:
                    status.update(self._line(session))

    def _line(self, session: Session) -> str:
        try:
            session.refresh_from_db()
            streams = list(session.streams.select_related("instrument").order_by("instrument__symbol")[:4])
        except DatabaseError:
            return "Postgres does not answer."
        clock = shown(session.run.clock, session, "%Y-%m-%d %H:%M") if session.run.clock else "at its start"
        prices = "  ".join(
            f"{s.instrument.symbol} {'no bar yet' if s.last_price is None else f'{s.last_price:,.2f}'}" for s in streams
        )
        return (
            f"Session {session.pk} {session.state}, {clock}, speed {session.speed:g}: {prices}. Ctrl-C ends everything."
        )


def children(host: str, port: int, var: Path) -> list[Child]:
    """Web, the two workers and beat."""
    worker = ["celery", "-A", "config", "worker", *QUIET, "--loglevel", "WARNING"]
    web = ["uvicorn", "config.asgi:application", "--host", host, "--port", str(port), "--lifespan", "off"]
    commands = {
        "web": [*web, *WEB_OPTIONS],
        "replay": [*worker, "-Q", "replay,starts", "-n", "replay@%h", "--pool", "threads", "--concurrency", "12"],
        "upkeep": [*worker, "-Q", "upkeep", "-n", "upkeep@%h", "--pool", "threads", "--concurrency", "2"],
        "beat": ["celery", "-A", "config", "beat", "--loglevel", "WARNING"],
    }
    return [Child(name, command, var / "log" / f"{name}.log") for name, command in commands.items()]


@contextmanager
def only_one(lock: Path, address: str) -> Iterator[None]:
    """Refuse a second starter on the same folder, and say where the first is."""
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise CommandError(f"Tapedeck is already running here {file.read().strip()}") from None
        file.truncate(0)
        file.write(f"(pid {os.getpid()}): {address}")
        file.flush()
        yield


def reachable(host: str, port: int) -> str:
    """The address for people: one that means "every interface" is no place to go to."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{name}:{port}"


def refuse_busy(host: str, port: int) -> None:
    """Raises CommandError, in one line, where the web could not listen."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CommandError(
            f"Port {port} of {host} cannot be used ({reason}): choose another with --port, `make start PORT=8001`."
        ) from None


def _ignore_ends() -> None:
    for number in ENDS:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Once: make hands Ctrl-C on a second time, and the end must not be interrupted.

    Where Python is in the midst of an import or a finalizer, the exception is lost; the event is not.
    """
    _ignore_ends()
    ENDING.set()
    raise KeyboardInterrupt
