"""A thread that a bot's run cannot go on without: when it ends before its time, the run ends too, and says why."""

from __future__ import annotations

import threading
from collections.abc import Callable


class RunLost(Exception):
    """What the run can no longer do; the text says why."""


class SideThread(threading.Thread):
    def __init__(self, name: str, work: Callable[[], object]) -> None:
        super().__init__(name=name, daemon=True)
        self.work, self.lost = work, ""

    def run(self) -> None:
        try:
            self.work()
        except RunLost as lost:
            self.lost = str(lost)
        except BaseException as error:
            self.lost = f"{self.name} cannot be kept up: {error or type(error).__name__}"
            raise  # a defect of ours: its traceback is printed
