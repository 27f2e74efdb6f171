"""The broker's sockets: a plain ASGI application for /alpaca/v2/iex and its like, and for /alpaca/stream."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from django.conf import settings

from gateway.sockets.data_socket import REFUSAL_DELAY_SECONDS, Receive, Socket
from gateway.sockets.outbox import Send
from gateway.sockets.trade_socket import TradeSocket

DATA = re.compile(r"/+alpaca/+v2/+(iex|sip|test|delayed_sip)/?")
TRADES = re.compile(r"/+alpaca/+(v2/+)?stream/?")
NORMAL, TRY_AGAIN_LATER = 1000, 1013
NEWCOMERS: set[Socket | TradeSocket] = set()
"""Sockets of this process that have not authenticated yet: bounded, for anybody can open one."""


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await receive()
    client: Socket | TradeSocket
    if len(NEWCOMERS) >= settings.WEB_REQUESTS_WAITING:
        await _refuse_busy(scope, send)
        return
    if DATA.fullmatch(scope["path"]):
        client = Socket(scope, receive, send, NEWCOMERS.discard)
    elif TRADES.fullmatch(scope["path"]):
        client = TradeSocket(scope, receive, send, NEWCOMERS.discard)
    else:
        await asyncio.sleep(REFUSAL_DELAY_SECONDS)
        await send({"type": "websocket.close", "code": NORMAL})
        return
    NEWCOMERS.add(client)
    try:
        await send({"type": "websocket.accept"})
        await client.run()
    finally:
        NEWCOMERS.discard(client)


async def _refuse_busy(scope: dict[str, Any], send: Send) -> None:
    """503 where the server can send it; else the code for a later try."""
    await asyncio.sleep(REFUSAL_DELAY_SECONDS)
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
        return
    headers = [(b"retry-after", b"2"), (b"content-length", b"0")]
    await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b""})
