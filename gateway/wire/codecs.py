"""The socket's two encodings: JSON in text frames, msgpack in binary ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack
import orjson

from gateway.wire.moments import rfc3339_ns
from marketdata.units import SECOND_NS

Message = dict[str, Any]
"""An ASGI message."""

MSGPACK_TYPE = "application/msgpack"


@dataclass(frozen=True, slots=True, eq=False)
class Codec:
    """`item` encodes one map, `message` puts encoded maps into the array of one frame; `stamp` makes its times."""

    name: str
    stamp: Callable[[int], Any]
    item: Callable[[Any], bytes]
    message: Callable[[Sequence[bytes]], Message]

    def control(self, payload: dict[str, Any]) -> Message:
        """A control message stands alone in its array."""
        return self.message([self.item(payload)])


def _text(items: Sequence[bytes]) -> Message:
    return {"type": "websocket.send", "text": "[" + b",".join(items).decode() + "]"}


def _binary(items: Sequence[bytes]) -> Message:
    head: bytes = msgpack.Packer().pack_array_header(len(items))
    return {"type": "websocket.send", "bytes": head + b"".join(items)}


def _timestamp(ns: int) -> msgpack.Timestamp:
    return msgpack.Timestamp(*divmod(ns, SECOND_NS))


JSON = Codec("json", rfc3339_ns, orjson.dumps, _text)
MSGPACK = Codec("msgpack", _timestamp, msgpack.packb, _binary)


def of_handshake(headers: dict[str, str]) -> Codec:
    return MSGPACK if headers.get("content-type", "").startswith(MSGPACK_TYPE) else JSON


def decode(message: Message) -> Any:
    """What a client sent, by the kind of its frame. Raises ValueError."""
    data = message.get("bytes")
    return msgpack.unpackb(data) if data is not None else orjson.loads(message.get("text") or "")
