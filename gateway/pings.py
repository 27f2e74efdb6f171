"""Whether a socket's client still answers the web server's pings, which ASGI does not say."""

from __future__ import annotations

import asyncio
from typing import Any


def unanswered_seconds(send: Any) -> float:
    """How long the last ping to who is behind an ASGI `send` has had no answer; 0 where there is none, or no telling.

    uvicorn's protocol is what `send` is a method of; of another server only its own ping timeout ends a dead socket.
    """
    protocol = getattr(send, "__self__", None)
    if getattr(protocol, "pending_ping_payload", None) is None:
        return 0.0
    return asyncio.get_running_loop().time() - float(getattr(protocol, "ping_sent_at", float("inf")))
