"""Parts above that take part in sessions. They join when sessions are first played, proved or copied.

Not when Django starts: a command that pauses a session must not import what plays one.
"""

from __future__ import annotations

import threading

from django.utils.module_loading import import_string

_waiting: list[str] = []
_lock = threading.RLock()


def add(path: str) -> None:
    """The dotted path of a function that registers a part; called once, when Django starts."""
    if path not in _waiting:
        _waiting.append(path)


def join_all() -> None:
    """Have every part registered; at the second call there is nothing left to do."""
    with _lock:
        while _waiting:
            import_string(_waiting[0])()
            _waiting.pop(0)
