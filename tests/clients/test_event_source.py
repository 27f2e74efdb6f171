"""Server-sent events in whatever pieces the network brings them."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tapedeck_client.streams.event_source import EventSource

MESSAGES = [
    {"id": "1.10-0", "events": [{"symbol": "AAPL", "close": 1.5}]},
    {"id": None, "events": [{"reason": "a line\u2028separator, a \x85 and a\nline"}]},
    {"id": "1.20-0", "events": []},
]
TEXT = b": a frame per message\nretry: 1000\n\n" + b": still here\n\n".join(
    (f"id: {message['id']}\n" if message["id"] else "").encode()
    + b"data: "
    + json.dumps(message, ensure_ascii=False).encode()
    + b"\n\n"
    for message in MESSAGES
)


@given(st.lists(st.integers(0, len(TEXT)), max_size=12))
def test_messages_are_the_same_wherever_the_bytes_are_cut(cuts: list[int]) -> None:
    source = EventSource()
    bounds = [0, *sorted(cuts), len(TEXT)]
    chunks = [TEXT[begin:end] for begin, end in pairwise(bounds)]
    assert [message for chunk in chunks for message in source.feed(chunk)] == MESSAGES


def test_half_an_event_is_none() -> None:
    assert list(EventSource().feed(TEXT[:-1]))[-1] == MESSAGES[1]
