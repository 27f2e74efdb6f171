"""The vendor's hosts, answered by the gateway for one bot: other paths, other host names, the run's own key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgpack
import orjson
from django.conf import settings

from gateway.callers.key_auth import KEY_HEADER, SECRET_HEADER, Credentials
from gateway.wire import codecs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]

PREFIX = "/alpaca"
CREDENTIALS = (KEY_HEADER.encode(), SECRET_HEADER.encode(), b"authorization")
AUTHENTICATE = ("auth", "authenticate")


class VendorHosts:
    """An ASGI application in front of the web's.

    Whatever key the bot sends counts as the run's: many bots have theirs written in their code.
    """

    def __init__(self, application: Application, credentials: Credentials) -> None:
        self.application, self.credentials = application, credentials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["path"].startswith(PREFIX + "/") else PREFIX + scope["path"]
        here = {**scope, "path": path, "raw_path": path.encode(), "headers": self._headers(scope["headers"])}
        if scope["type"] == "websocket":
            await self.application(here, self._with_own_key(receive), send)
        else:
            await self.application(here | {"scheme": "https"}, receive, send)

    def _headers(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        kept = [(name, value) for name, value in headers if name not in (b"host", *CREDENTIALS)]
        kept.append((b"host", allowed_host().encode()))
        if any(name in CREDENTIALS for name, _ in headers):
            kept.append((CREDENTIALS[0], self.credentials.key.encode()))
            kept.append((CREDENTIALS[1], self.credentials.secret.encode()))
        return kept

    def _with_own_key(self, receive: Receive) -> Receive:
        async def receiving() -> Any:
            message = await receive()
            return self._keyed(message) if message["type"] == "websocket.receive" else message

        return receiving

    def _keyed(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            payload = codecs.decode(message)
        except ValueError:
            return message
        if not isinstance(payload, dict) or payload.get("action") not in AUTHENTICATE:
            return message
        key, secret = self.credentials
        own = {"action": payload["action"], "key": key, "secret": secret}
        own["data"] = {"key_id": key, "secret_key": secret}
        if message.get("bytes") is not None:
            return {"type": "websocket.receive", "bytes": msgpack.packb(own)}
        return {"type": "websocket.receive", "text": orjson.dumps(own).decode()}


def allowed_host() -> str:
    """A name that Django answers to."""
    named = [host.lstrip(".") for host in settings.ALLOWED_HOSTS if host != "*"]
    return named[0] if named else "localhost"
