"""Where faults happen: servers and workers of one folder, which may be killed, frozen and emptied at will."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psutil

from config.worker_options import QUIET

ROOT = Path(__file__).resolve().parents[2]
LEASE_TTL = 3.0
T = TypeVar("T")


class Arena:
    """Call `enter` before anything of Django is imported."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.kills = 0
        self.celery: list[subprocess.Popen[bytes]] = []

    @contextmanager
    def entered(self, data: Path) -> Iterator[None]:
        environment = {"DJANGO_SETTINGS_MODULE": "config.settings", "VAR_DIR": str(self.var)}
        os.environ |= {**environment, "LEASE_TTL": str(LEASE_TTL)}
        os.environ.pop("DATABASE_URL", None), os.environ.pop("REDIS_URL", None)
        import django

        django.setup()
        from django.core.management import call_command

        from config.embedded import services
        from config.embedded.postgres import Postgres
        from config.embedded.valkey import Valkey

        self.postgres, self.redis = Postgres(self.var), Valkey(self.var)
        services.start()
        try:
            call_command("migrate", verbosity=0, interactive=False)
            call_command("import_bars", str(data), verbosity=0)
            self._open_nursery()
            yield
        finally:
            self._end_workers()
            services.stop()

    # --- workers ------------------------------------------------------------------------------------

    def _open_nursery(self) -> None:
        self.log = (self.var / "log" / "workers.log").open("ab")
        command = [sys.executable, "-m", "tests.faults.nursery"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.log}
        self.nursery = subprocess.Popen(command, cwd=ROOT, text=True, **pipes)  # type: ignore[call-overload]
        self._answer()

    def _answer(self) -> str:
        line = str(self.nursery.stdout.readline()).strip()
        if not line:
            raise RuntimeError(f"the nursery ended: see {self.var}/log/workers.log")
        return line

    def start_worker(self) -> int:
        """A replay worker that says that it is there; returns its pid."""
        self.nursery.stdin.write("start\n")
        self.nursery.stdin.flush()
        pid = int(self._answer())
        self.await_worker(pid)
        return pid

    def await_worker(self, pid: int) -> None:
        from sessions.models import ServiceHeartbeat

        wait_for(lambda: ServiceHeartbeat.objects.filter(kind="replay", pid=pid).exists(), f"worker {pid}", 180)

    def start_celery(self) -> subprocess.Popen[bytes]:
        """The whole thing, with a queue."""
        command = [sys.executable, "-m", "celery", "-A", "config", "worker", "-Q", "replay,starts", "--pool", "threads"]
        command += ["--concurrency", "4", "-n", f"replay{len(self.celery)}@faults", *QUIET]
        process = subprocess.Popen(command, cwd=ROOT, stdout=self.log, stderr=self.log)
        self.celery.append(process)
        self.await_worker(process.pid)
        return process

    def workers(self) -> list[int]:
        """Pids of the workers that live, the Celery ones too."""
        children = psutil.Process(self.nursery.pid).children()
        born = [child.pid for child in children if child.status() != psutil.STATUS_ZOMBIE]
        return born + [process.pid for process in self.celery if process.poll() is None]

    def kill_worker(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        self.kills += 1

    def keep_workers(self, count: int) -> None:
        while len(self.workers()) < count:
            self.start_worker()

    def _end_workers(self) -> None:
        for pid in self.workers():
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, signal.SIGKILL)
        for process in self.celery:
            process.wait()
        self.nursery.stdin.close()
        self.nursery.wait(20)
        self.log.close()

    # --- servers ------------------------------------------------------------------------------------

    def kill_redis(self, *, with_file: bool, away: float = 0.3) -> None:
        """SIGKILL and start again; without its file it comes back empty."""
        process = self.redis._process()
        assert process is not None
        process.kill()
        self.kills += 1
        psutil.wait_procs([process], timeout=5)
        if not with_file:
            shutil.rmtree(self.redis.data / "appendonlydir")
        time.sleep(away)
        self.redis.start()

    def restart_postgres(self, *, kill: bool, away: float = 0.3) -> None:
        if kill:
            postmaster = self.postgres._postmaster()
            assert postmaster is not None
            postmaster.kill()
            self.kills += 1
            psutil.wait_procs([postmaster], timeout=5)
        else:
            self.postgres.stop()
        time.sleep(away)
        self.postgres.start()
        patiently(_asked)

    def cut(self, server: str, seconds: float) -> None:
        """Freeze a server: connections stay open and nobody answers."""
        with frozen(self._processes(server)):
            time.sleep(seconds)

    def _processes(self, server: str) -> list[psutil.Process]:
        main = self.postgres._postmaster() if server == "postgres" else self.redis._process()
        assert main is not None
        return [main, *main.children(recursive=True)]


def _asked() -> None:
    from sessions.models import Session

    Session.objects.exists()


@contextmanager
def frozen(processes: Sequence[psutil.Process]) -> Iterator[None]:
    """SIGSTOP for a while; whatever happens, they are woken."""
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            if process.is_running():
                process.send_signal(signal.SIGCONT)


def patiently(ask: Callable[[], T], seconds: float = 60.0) -> T:
    """The answer of a database that may just be away."""
    from django.db import DatabaseError, connection

    end = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except DatabaseError:
            connection.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def wait_for(true: Callable[[], object], what: str, seconds: float = 120.0, every: float = 0.02) -> None:
    end = time.monotonic() + seconds
    while not patiently(true):
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come within {seconds:g} s")
        time.sleep(every)
