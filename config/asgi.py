"""The ASGI entry point: `uvicorn config.asgi:application`. Sockets have plain routes; all else is Django's."""

import os
import threading
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

pages = get_asgi_application()

from marketdata import calendar  # noqa: E402 - models need Django to be set up
from streaming.gateway import socket as alpaca  # noqa: E402

# The calendar takes two seconds to build: the first page must not.
threading.Thread(target=calendar.prepare, name="calendar", daemon=True).start()

SOCKETS = {"/alpaca/": alpaca.application}


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "websocket":
        await pages(scope, receive, send)
        return
    for address, route in SOCKETS.items():
        if scope["path"].startswith(address):
            await route(scope, receive, send)
            return
    await receive()
    await send({"type": "websocket.close"})
