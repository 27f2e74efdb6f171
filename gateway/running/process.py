"""A bot's process: its output with market stamps, its end."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

ENDS_WITHIN_SECONDS = 10.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
"""One after another, to the process and what it has started."""
PR_SET_PDEATHSIG = 1
# Loaded here: between fork and exec a child must not allocate much.
LIBC = ctypes.CDLL(None)
Print = Callable[[str, bool], None]
"""A line, and whether it is of stderr."""


def _ends_with_its_parent() -> None:
    """A bot whose clock stands for good would sleep for ever. Linux alone has it."""
    if hasattr(LIBC, "prctl"):
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class BotProcess:
    """Begins at once, in a process group of its own. Raises OSError where there is no such program."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], show: Print) -> None:
        self.show = show
        self.process = subprocess.Popen(
            command,
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_ends_with_its_parent,
        )
        assert self.process.stdout is not None and self.process.stderr is not None
        self.readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, False), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stderr, True), daemon=True),
        ]
        for reader in self.readers:
            reader.start()

    def _read(self, output: IO[bytes], is_error: bool) -> None:
        with output:
            for line in output:
                self.show(line.decode(errors="replace").rstrip("\r\n"), is_error)

    def ended(self, within: float) -> bool:
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self) -> None:
        """Ask it to end, and make it end."""
        for number in SIGNALS:
            if self.process.poll() is not None:
                return
            self._signal(number)
            if self.ended(ENDS_WITHIN_SECONDS):
                return

    def close(self) -> None:
        """What it has started and left behind ends too; the last lines are printed."""
        self._signal(signal.SIGTERM)
        end = time.monotonic() + ENDS_WITHIN_SECONDS
        for reader in self.readers:
            reader.join(max(0.0, end - time.monotonic()))

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            return

    @property
    def exit_code(self) -> int:
        """The exit code as shells have it: 128 and the signal's number where a signal ended it."""
        code = self.process.returncode
        return code if code >= 0 else 128 - code
