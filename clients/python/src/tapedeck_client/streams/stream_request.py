"""What a stream asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypedDict, Unpack

from tapedeck_client.calls import stream_types
from tapedeck_client.frame_records import FrameId
from tapedeck_client.notices import Notice

Transport = Literal["sse", "websocket"]
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """A session, a selection of it, where to begin, and how to be served."""

    session_id: int
    selection: Mapping[str, str]
    after: FrameId | None
    from_start: bool
    lockstep: str
    window: int
    transport: Transport
    on_notice: Callable[[Notice], None] | None
    patience: float
    """Seconds without a connection after which the stream gives up."""

    def query(self, after: FrameId | None, *, from_start: bool) -> dict[str, str]:
        """The address's query, for a connection that begins after a frame, or with the run."""
        place = {"after": str(after)} if after else {"from_start": "true"} if from_start else {}
        return {**self.selection, **place}


class StreamOptions(TypedDict, total=False):
    """How a stream is asked for; all of it may be left out."""

    intervals: Iterable[str]
    """Only bars of these, e.g. `["1m", "5m"]`; without `types` no trades and quotes then."""
    types: Iterable[str]
    """Only these of bars, trades and quotes."""
    accounts: Iterable[str]
    """The events of these accounts too, behind the frames of their instants; `["*"]` is all of them."""
    after: FrameId | str | None
    """Go on after this frame or account event. Else a snapshot of the day so far comes first."""
    from_start: bool
    """Begin with the run's first frame."""
    name: str
    """How the reader is shown on the server."""
    lockstep: str
    """A name: the replay waits until this reader asks for the next frame."""
    window: int
    """Frames that may be out unacknowledged in lockstep (1)."""
    transport: Transport
    """`sse` (the default) or `websocket`."""
    on_notice: Callable[[Notice], None] | None
    """Gets the notices where only records are iterated over; without it those that matter are logged."""
    patience: float
    """Seconds without a connection after which the stream gives up (300)."""


def stream_request(
    session_id: int, symbols: Iterable[str] | None = None, **options: Unpack[StreamOptions]
) -> StreamRequest:
    """Raises ValueError for values that no server would take."""
    after, from_start = options.get("after"), options.get("from_start", False)
    if after is not None and from_start:
        raise ValueError(f"after={str(after)!r} and from_start=True exclude each other.")
    transport = options.get("transport", "sse")
    if transport not in ("sse", "websocket"):
        raise ValueError(f"transport={transport!r}: it is 'sse' or 'websocket'.")
    lockstep, window = options.get("lockstep", ""), options.get("window", 1)
    return StreamRequest(
        session_id,
        {**_selection(symbols, options), **_reader(options.get("name", ""), lockstep, window)},
        None if after is None else FrameId.parse(after),
        from_start,
        lockstep,
        window,
        transport,
        options.get("on_notice"),
        options.get("patience", PATIENCE_SECONDS),
    )


def _selection(symbols: Iterable[str] | None, options: StreamOptions) -> dict[str, str]:
    types = options.get("types")
    lists = {
        "symbols": symbols,
        "intervals": options.get("intervals"),
        "types": None if types is None else stream_types(_names(types)),
        "accounts": options.get("accounts"),
    }
    return {field: ",".join(_names(names)) for field, names in lists.items() if names is not None}


def _reader(name: str, lockstep: str, window: int) -> dict[str, str]:
    return {
        **({"name": name} if name else {}),
        **({"lockstep": lockstep, "window": str(window)} if lockstep else {}),
    }


def _names(names: Iterable[str]) -> list[str]:
    """One name alone is taken for a list of it, not of its letters."""
    return [names] if isinstance(names, str) else list(names)
