"""The ASGI entry point: `uvicorn config.asgi:application`. Streams have plain routes; all else is Django's."""

import os
import re
import threading
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

pages: Any = get_asgi_application()

from marketdata import calendar  # noqa: E402 - models need Django to be set up
from streaming.doors import sse, websocket  # noqa: E402
from streaming.gateway import socket as alpaca  # noqa: E402

# The calendar takes two seconds to build: the first page must not.
threading.Thread(target=calendar.prepare, name="calendar", daemon=True).start()

STREAM = re.compile(r"/api/sessions/\d+/stream/")
SOCKET = re.compile(r"/ws/sessions/\d+/?")
ALPACA = "/alpaca/"


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await _socket(scope, receive, send)
    elif scope["type"] == "http" and scope["method"] == "GET" and STREAM.fullmatch(scope["path"]):
        await sse.serve(pages, scope, receive, send)
    else:
        await pages(scope, receive, send)


async def _socket(scope: Any, receive: Any, send: Any) -> None:
    if SOCKET.fullmatch(scope["path"]):
        await websocket.serve(pages, scope, receive, send)
    elif scope["path"].startswith(ALPACA):
        await alpaca.application(scope, receive, send)
    else:
        await receive()
        await send({"type": "websocket.close"})
