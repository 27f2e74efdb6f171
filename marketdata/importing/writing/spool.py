"""What was read and is not written yet, in bounded memory: past the bound it lies in a temporary file."""

from __future__ import annotations

import pickle
from tempfile import TemporaryFile
from typing import Any

IN_MEMORY_BYTES = 128 * 1024**2


class Spool:
    """Objects by the place that `put` returns: negative in memory, else in a file without a name."""

    def __init__(self) -> None:
        self._held: list[Any] = []
        self._held_bytes = 0
        self._file = TemporaryFile()  # noqa: SIM115 - it lives as long as the spool
        self._end = 0

    def put(self, what: Any, size: int) -> int:
        """`size`: the bytes that it takes, roughly."""
        if self._held_bytes + size <= IN_MEMORY_BYTES:
            self._held_bytes += size
            self._held.append(what)
            return -len(self._held)
        place = self._end
        self._file.seek(place)
        pickle.dump(what, self._file, protocol=pickle.HIGHEST_PROTOCOL)
        self._end = self._file.tell()
        return place

    def get(self, place: int) -> Any:
        if place < 0:
            return self._held[-1 - place]
        self._file.seek(place)
        return pickle.load(self._file)  # noqa: S301 - nobody but this process has written it

    def close(self) -> None:
        self._held = []
        self._file.close()
