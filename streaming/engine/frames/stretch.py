"""Stretches: frames that follow each other, in one buffer and in one entry of the Redis stream.

The entry's id is its last frame's, so whoever asks for what comes after a cursor gets the entry that the cursor is in.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from streaming.engine.frames.frame import HEAD, Frame, decode
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.frames.layout import MAGIC, VERSION, WORD

LINK = 32
"""Bytes of a link of the chain."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A frame on its way out."""

    id: FrameId
    body: bytes
    chain: bytes

    @property
    def fields(self) -> dict[str, bytes]:
        return {"b": self.body, "h": self.chain}

    def __len__(self) -> int:
        return 1


@dataclass(frozen=True, eq=False)
class Stretch:
    """Frames of a generation: their instants, where each one's bytes end, the bytes, a link of the chain for each."""

    generation: int
    ms: Sequence[int]
    ends: Sequence[int]
    body: bytes
    chains: bytes

    def __len__(self) -> int:
        return len(self.ms)

    # --- writing ------------------------------------------------------------------------------------

    @classmethod
    def chained(cls, generation: int, ms: Sequence[int], ends: Sequence[int], body: bytes, chain: bytes) -> Stretch:
        """Frames laid out after the one whose link is `chain`; `frames.link` says what a link is."""
        links = []
        sha, begin = hashlib.sha256, 0
        for at, end in zip(ms, ends, strict=True):
            chain = sha(b"%b%d.%d-0%b" % (chain, generation, at, body[begin:end])).digest()
            links.append(chain)
            begin = end
        return cls(generation, ms, ends, body, b"".join(links))

    @property
    def fields(self) -> dict[str, bytes]:
        """The fields of its entry in the stream; one frame needs no index."""
        if len(self) == 1:
            return {"b": self.body, "h": self.chains}
        return {"b": self.body, "h": self.chains, "i": np.array([self.ms, self.ends], np.int64).T.tobytes()}

    # --- what it is ---------------------------------------------------------------------------------

    @property
    def first(self) -> FrameId:
        return FrameId(self.generation, self.ms[0], 0)

    @property
    def id(self) -> FrameId:
        """Its last frame's."""
        return FrameId(self.generation, self.ms[-1], 0)

    @property
    def chain(self) -> bytes:
        """Its last frame's."""
        return self.chains[-LINK:]

    @cached_property
    def prev(self) -> FrameId | None:
        """The frame before its first."""
        *_, prev_ms, prev_n, _ = HEAD.unpack_from(self.body)
        return FrameId(self.generation, prev_ms, prev_n) if prev_ms >= 0 else None

    @property
    def size(self) -> int:
        """Bytes that it holds in memory, for those who keep stretches."""
        return len(self.body) + 500 * len(self)

    def packed(self) -> Iterator[Packed]:
        """Each frame as bytes."""
        begin = 0
        for k, (ms, end) in enumerate(zip(self.ms, self.ends, strict=True)):
            yield Packed(FrameId(self.generation, ms, 0), self.body[begin:end], self.chains[k * LINK : (k + 1) * LINK])
            begin = end

    # --- reading ------------------------------------------------------------------------------------

    @classmethod
    def of_entry(cls, last: FrameId, fields: Mapping[bytes, bytes]) -> Stretch:
        """From an entry of the stream. Raises ValueError or LookupError where it is none."""
        body, chains, index = fields[b"b"], fields[b"h"], fields.get(b"i")
        if index is None:
            stretch = cls(last.generation, [last.ms], [len(body)], body, chains)
            stretch.frames  # noqa: B018 - decoded here, so that one that cannot be read is known here
            return stretch
        table = np.frombuffer(index, np.int64).reshape(-1, 2)
        stretch = cls(last.generation, table[:, 0].tolist(), table[:, 1].tolist(), body, chains)
        stretch.check(table, last)
        return stretch

    def check(self, table: NDArray[np.int64], last: FrameId) -> None:
        """Raises ValueError where index, links and heads do not fit each other."""
        words = np.frombuffer(body := self.body, np.int64)
        begins = np.concatenate([[0], table[:-1, 1]]) // WORD
        whole = self.id == last and self.ends[-1] == len(body) and len(self.chains) == LINK * len(self)
        if not whole or (words[begins + 1] != table[:, 0]).any():
            raise ValueError(f"Entry {last.entry} is no stretch of frames: its index does not fit.")
        layout = words[begins].view(np.uint8).reshape(-1, WORD)[:, :3]
        if (layout != np.frombuffer(MAGIC + bytes([VERSION]), np.uint8)).any():
            raise ValueError(f"Entry {last.entry} has another layout than {MAGIC!r} {VERSION}.")

    @cached_property
    def frames(self) -> list[Frame]:
        """Decoded, once for all readers."""
        view, begin, links = memoryview(self.body), 0, self.chains.hex()
        found = []
        for k, (ms, end) in enumerate(zip(self.ms, self.ends, strict=True)):
            frame_id = FrameId(self.generation, ms, 0)
            found.append(decode(frame_id, view[begin:end], links[2 * LINK * k : 2 * LINK * (k + 1)]))
            begin = end
        return found

    def later(self, cursor: FrameId | None) -> Stretch:
        """Its frames after the cursor; itself where these are all of them."""
        return self if cursor is None or cursor < self.first else self.cut(bisect_right(self.ms, cursor.ms), len(self))

    def until(self, last: FrameId) -> Stretch:
        """Its frames up to that one."""
        return self if last >= self.id else self.cut(0, bisect_right(self.ms, last.ms))

    def cut(self, first: int, last: int) -> Stretch:
        """Its frames `first` up to `last` (excluded)."""
        begin = self.ends[first - 1] if first else 0
        ends = [end - begin for end in self.ends[first:last]]
        body = self.body[begin : begin + ends[-1]] if ends else b""
        return Stretch(self.generation, self.ms[first:last], ends, body, self.chains[first * LINK : last * LINK])
