"""One process that keeps the others running: web, the two workers, beat."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from config.embedded.lock import last_line
from config.pauses import pause_after

BACKOFF, LONGEST_BACKOFF = 0.5, 15.0
GRACE = 8.0
NO_ROOM_BYTES = 1 << 20
PR_SET_PDEATHSIG = 1
# Loaded here: between fork and exec a child must not allocate much.
LIBC = ctypes.CDLL(None)
PROJECT = Path(__file__).resolve().parents[1]
Say = Callable[[str], None]


@dataclass(slots=True)
class Child:
    """A program that is to be running; its output goes to `log`."""

    name: str
    command: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    not_before: float = 0.0
    started: float = 0.0

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.command],
                env=importing_project(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        self.started = time.monotonic()


def importing_project() -> dict[str, str]:
    """The environment of a Python program of ours: the working folder may be any."""
    paths = (str(PROJECT), os.environ.get("PYTHONPATH"))
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _die_with_parent() -> None:
    """A killed supervisor leaves no orphans."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass(slots=True)
class Supervisor:
    """Starts its children, restarts those that end, and ends them all."""

    children: list[Child]
    record: Path
    say: Say

    def start(self) -> None:
        for child in self.children:
            child.start()
        self._note()

    def tend(self) -> None:
        """Restart what ended, with growing pauses; one line each time."""
        now = time.monotonic()
        for child in self.children:
            if child.process is None or child.process.poll() is None:
                if child.failures and now - child.started > LONGEST_BACKOFF:
                    child.failures = 0
                continue
            if not child.not_before:
                self._plan_restart(child, now)
            elif now >= child.not_before:
                self._start_again(child, now)

    def _start_again(self, child: Child, now: float) -> None:
        """Without memory or room for its log it is tried later."""
        try:
            child.start()
        except OSError as error:
            pause = self._put_off(child, now)
            self.say(f"{child.name} cannot be started ({error.strerror}). Trying again in {pause:g} s.")
            return
        child.not_before = 0.0
        self._note()

    def stop(self) -> None:
        """SIGTERM to all, SIGKILL to those still there after a grace."""
        running = [child.process for child in self.children if child.process and child.process.poll() is None]
        for process in running:
            _signal_group(process.pid, signal.SIGTERM)
        end = time.monotonic() + GRACE
        for process in running:
            try:
                process.wait(max(0.05, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal_group(process.pid, signal.SIGKILL)
                process.wait()
        self.record.unlink(missing_ok=True)

    def _plan_restart(self, child: Child, now: float) -> None:
        assert child.process is not None
        _signal_group(child.process.pid, signal.SIGKILL)  # what it started itself must not outlive it
        pause = self._put_off(child, now)
        why = cause_of_end(child.process.returncode, child.log)
        self.say(f"{child.name} ended ({why}). Starting it again in {pause:g} s - {child.log}")

    @staticmethod
    def _put_off(child: Child, now: float) -> float:
        """The seconds until its next start."""
        pause = pause_after(child.failures, BACKOFF, LONGEST_BACKOFF)
        child.failures += 1
        child.not_before = now + pause
        return pause

    def _note(self) -> None:
        """Who our children are, for the next start should this process be killed. A full disk ends nothing."""
        running = [child.process.pid for child in self.children if child.process and child.process.poll() is None]
        noted = [[pid, psutil.Process(pid).create_time()] for pid in running]
        fresh = self.record.with_suffix(".new")
        try:
            fresh.write_text(json.dumps(noted))
            fresh.replace(self.record)
        except OSError as error:
            self.say(f"{self.record} cannot be written: {error.strerror}.")

    def end_leftovers(self) -> None:
        """Children of a supervisor that was killed; a recycled pid has another start time."""
        if not self.record.exists():
            return
        for pid, created in self._noted():
            try:
                process = psutil.Process(pid)
                if abs(process.create_time() - created) < 1:
                    _signal_group(pid, signal.SIGKILL)
                    process.wait(5)
            except psutil.Error:
                continue
        self.record.unlink()

    def _noted(self) -> list[tuple[int, float]]:
        """Pids and when they were started; none where the record was cut off."""
        try:
            return [(int(pid), float(created)) for pid, created in json.loads(self.record.read_text())]
        except (OSError, ValueError, TypeError) as error:
            self.say(f"{self.record} cannot be read ({error}): what an earlier start has left running, it has to end.")
            return []


def cause_of_end(code: int, log: Path) -> str:
    """Whoever is killed has had no time to write why; else the log's last line says it."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    is_full = shutil.disk_usage(log.parent).free < NO_ROOM_BYTES  # its log then ends in the midst of a line
    return f"exit code {code}: {f'no room is left on the disk of {log.parent}' if is_full else last_line(log)}"


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return
