"""An installation as the deployment page describes it: its processes as the units start them, each on a machine."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.embedded.postgres import BIN
from config.embedded.unprivileged import identity
from config.embedded.valkey import binary
from tests.deployment.network import NETWORK, USERS, Machine
from tests.deployment.production import PRODUCTION
from tests.workers import ROOT

UNITS = ROOT / "deploy" / "systemd"
VENV = Path(sys.executable).parent
PASSWORD = "rehearsal"
LEASE_TTL = 5
ASK = """
import json, psycopg, sys
row = psycopg.connect(sys.argv[1], autocommit=True).execute(sys.argv[2])
print(json.dumps(row.fetchone()[0] if row.description else None, default=str))
"""


def until(there: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := there()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)
    return found


def commands_of(unit: str) -> list[list[str]]:
    """What a unit starts, with its instance's number: `tapedeck-replay@2.service` is of `tapedeck-replay@.service`."""
    name, _, instance = unit.partition("@")
    text = (UNITS / (f"{name}@.service" if instance else f"{name}.service")).read_text()
    lines = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    return [shlex.split(_expanded(line, instance)) for line in lines]


def _expanded(line: str, instance: str) -> str:
    return line.replace("/opt/tapedeck/.venv/bin", str(VENV)).replace("%i", instance).replace("%%", "%")


class Installation:
    """`folder`: of this rehearsal alone."""

    def __init__(self, machines: dict[str, Machine], folder: Path) -> None:
        self.machines, self.folder = machines, folder
        data = machines["data"].address
        self.environment = {
            "PATH": os.environ["PATH"],
            **PRODUCTION,
            "DATABASE_URL": f"postgresql://tapedeck:{PASSWORD}@{data}/tapedeck",
            "REDIS_URL": f"redis://:{PASSWORD}@{data}/0",
            "LEASE_TTL": str(LEASE_TTL),
        }
        self.running: dict[str, tuple[Machine, subprocess.Popen[bytes]]] = {}

    # --- servers ------------------------------------------------------------------------------------

    def start_servers(self) -> None:
        self._start_postgres()
        self._start_valkey()

    def _start_postgres(self) -> None:
        machine, data = self.machines["data"], self.folder / "postgres"
        data.mkdir(mode=0o700)
        os.chown(data, identity().uid, -1)
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        made = [*identity().prefix, str(BIN / "initdb"), "-D", str(data), "-U", "tapedeck", "-E", "UTF8", "--no-sync"]
        subprocess.run([*made, "-A", "scram-sha-256", f"--pwfile={secret}"], check=True, capture_output=True)
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {NETWORK}.0/24 scram-sha-256\n")
        options = ["-h", machine.address, "-c", "unix_socket_directories=", "-c", "max_connections=200"]
        server = [*identity().prefix, str(BIN / "postgres"), "-D", str(data), *options]
        machine.start(server, self.environment, self.folder, user="", called="postgres")

        def answers() -> bool:
            url = f"postgresql://tapedeck:{PASSWORD}@{machine.address}/postgres"
            done = machine.run([sys.executable, "-c", ASK, url, "CREATE DATABASE tapedeck"], self.environment, ROOT)
            return done.returncode == 0

        until(answers, "Postgres")

    def _start_valkey(self) -> None:
        folder = self.folder / "valkey"
        folder.mkdir()
        os.chown(folder, USERS["tapedeck"], -1)
        machine = self.machines["data"]
        options = ["--bind", machine.address, "--requirepass", PASSWORD, "--dir", str(folder)]
        options += ["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"]
        machine.start([str(binary()), *options], self.environment, folder)

    # --- units --------------------------------------------------------------------------------------

    def start(self, unit: str, machine: str) -> None:
        """A service that runs, or the steps of one that ends."""
        place = self.machines[machine]
        *steps, last = commands_of(unit)
        if unit == "tapedeck-migrate":
            for step in (*steps, last):
                done = place.run(step, self._environment_on(place), ROOT)
                assert done.returncode == 0, done.stderr
            return
        assert not steps
        self.running[unit] = place, place.start(last, self._environment_on(place), ROOT, called=unit)

    def stop(self, *units: str) -> None:
        for unit in units:
            place, process = self.running.pop(unit)
            place.end(process)

    def _environment_on(self, place: Machine) -> dict[str, str]:
        """VAR_DIR is the machine's own, and the service's user's."""
        var = self.folder / f"var-{place.name}"
        var.mkdir(exist_ok=True)
        os.chown(var, USERS["tapedeck"], -1)
        return {**self.environment, "VAR_DIR": str(var)}

    # --- asking -------------------------------------------------------------------------------------

    def manage(self, *words: str) -> str:
        """A command on the web's machine. What it prints."""
        place = self.machines["web"]
        done = place.run([sys.executable, "manage.py", *words], self._environment_on(place), ROOT)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr or done.stdout}"
        return done.stdout

    def ask(self, query: str) -> Any:
        """The one value that a query has, as JSON has it."""
        url = self.environment["DATABASE_URL"]
        done = self.machines["data"].run([sys.executable, "-c", ASK, url, query], self.environment, ROOT)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
