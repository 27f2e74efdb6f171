"""The ASGI entry point: `uvicorn config.asgi:application`. Streams have plain routes; all else is Django's."""

import os
import re
import threading
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402 - models need Django to be set up
from django.urls import get_resolver  # noqa: E402

from config import garbage, proxies  # noqa: E402
from config.django_handler import OneThreadHandler  # noqa: E402
from config.request_turns import RequestTurns  # noqa: E402
from gateway.sockets import application as alpaca  # noqa: E402
from marketdata import calendar  # noqa: E402
from web.streams import sse, websocket  # noqa: E402


def _prepare() -> None:
    """The calendar takes two seconds to build where it is not in VAR_DIR yet: the first page must not."""
    calendar.prepare()
    garbage.settle()


get_resolver().url_patterns  # noqa: B018 - all views are read now: the first request need not
threading.Thread(target=_prepare, name="calendar", daemon=True).start()

handler = OneThreadHandler()
pages = RequestTurns(
    handler,
    at_once=settings.WEB_REQUESTS_AT_ONCE,
    waiting=settings.WEB_REQUESTS_WAITING,
    wait_seconds=settings.WEB_WAIT_SECONDS,
)
HEALTHY = b'{"status": "ok"}'
HEALTHY_HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(HEALTHY)).encode()),
    (b"cache-control", b"no-store"),
]
STREAM = re.compile(r"/api/sessions/\d+/stream/")
SOCKET = re.compile(r"/ws/sessions/\d+/?")
ALPACA = "/alpaca/"


async def application(scope: Any, receive: Any, send: Any) -> None:
    scope = proxies.as_seen(scope, settings.TRUSTED_PROXIES)
    if scope["type"] == "websocket":
        await _socket(scope, receive, send)
    elif scope["path"] == "/healthz" and scope["method"] in ("GET", "HEAD"):
        await _healthz(scope, send)
    elif scope["path"] == "/readyz":
        await handler(scope, receive, send)  # it has threads of its own, and says so in time
    elif scope["type"] == "http" and scope["method"] == "GET" and STREAM.fullmatch(scope["path"]):
        await sse.serve(pages, scope, receive, send)
    else:
        await pages(scope, receive, send)


async def _healthz(scope: Any, send: Any) -> None:
    """Without a thread: it answers while all of them are busy."""
    body = HEALTHY if scope["method"] == "GET" else b""
    await send({"type": "http.response.start", "status": 200, "headers": HEALTHY_HEADERS})
    await send({"type": "http.response.body", "body": body})


async def _socket(scope: Any, receive: Any, send: Any) -> None:
    if SOCKET.fullmatch(scope["path"]):
        await websocket.serve(pages, scope, receive, send)
    elif scope["path"].startswith(ALPACA):
        await alpaca.application(scope, receive, send)
    else:
        await receive()
        await send({"type": "websocket.close"})
