"""Whether a socket's client still answers the web server's pings, which ASGI does not say."""

from __future__ import annotations

import asyncio
from typing import Any


def unanswered_seconds(send: Any) -> float:
    """How long the last ping to the client of an ASGI `send` has been unanswered; 0 where it was answered, or unknown.

    `send` is a method of uvicorn's protocol, which knows. Under another server a dead socket ends by its ping timeout.
    """
    protocol = getattr(send, "__self__", None)
    if getattr(protocol, "pending_ping_payload", None) is None:
        return 0.0
    return asyncio.get_running_loop().time() - float(getattr(protocol, "ping_sent_at", float("inf")))
