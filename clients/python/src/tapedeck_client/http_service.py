"""The address of a server, who asks, and what goes wrong on the way."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from tapedeck_client.calls import Call
from tapedeck_client.errors import ConnectionLost, TapedeckError
from tapedeck_client.version import __version__

T = TypeVar("T")
TIMEOUT_SECONDS = 30.0
ATTEMPTS = 2
URL, TOKEN, KEY = "TAPEDECK_URL", "TAPEDECK_TOKEN", "TAPEDECK_KEY"


@dataclass(frozen=True, slots=True)
class Service:
    """A Tapedeck server and the credential for it."""

    url: str
    headers: Mapping[str, str] = field(repr=False)

    @property
    def websocket_url(self) -> str:
        """The same address for WebSockets."""
        return "ws" + self.url.removeprefix("http")

    def settings(self, timeout: float) -> dict[str, Any]:
        """Arguments of an httpx client. Redirects are not followed: a token is for one address."""
        return {"base_url": self.url, "headers": self.headers, "timeout": timeout}

    def lost(self, error: Exception) -> ConnectionLost:
        """What a failure of the network means."""
        return ConnectionLost(f"{self.url} does not answer: {error or type(error).__name__}")


def service_of(url: str, token: str | None, key: str | None) -> Service:
    """Raises ValueError for an address that is none, and for two credentials."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"url={url!r}: it begins with http:// or https://, e.g. http://127.0.0.1:8000.")
    if token and key:
        raise ValueError("Give a token (of an account) or a key (of a session), not both.")
    headers = {"User-Agent": f"tapedeck-client/{__version__}", "Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Token {token}"
    elif key:
        headers["Authorization"] = f"Bearer {key}"
    return Service(url.rstrip("/") + "/", headers)


def from_environment() -> tuple[str, str | None, str | None]:
    """Address, token and key of `TAPEDECK_URL`, `TAPEDECK_TOKEN` and `TAPEDECK_KEY`. Raises TapedeckError."""
    url = os.environ.get(URL)
    if not url:
        raise TapedeckError(f"{URL} is not set: it is the server's address, e.g. http://127.0.0.1:8000.")
    return url, os.environ.get(TOKEN), os.environ.get(KEY)


def send(service: Service, http: httpx.Client, call: Call[T]) -> T:
    """Send one request and read its answer. Raises ConnectionLost and ApiError.

    One that opens a session or places an order and gets no answer is sent once more: it carries a key, so it makes no
    second one.
    """
    for left in range(ATTEMPTS if call.key else 1)[::-1]:
        try:
            answer = http.request(**_request(call))
            break
        except httpx.TransportError as error:
            if not left:
                raise service.lost(error) from error
    return call.result(answer.status_code, answer.content, answer.headers)


async def async_send(service: Service, http: httpx.AsyncClient, call: Call[T]) -> T:
    """Do what `send` does, from asyncio."""
    for left in range(ATTEMPTS if call.key else 1)[::-1]:
        try:
            answer = await http.request(**_request(call))
            break
        except httpx.TransportError as error:
            if not left:
                raise service.lost(error) from error
    return call.result(answer.status_code, answer.content, answer.headers)


def _request(call: Call[T]) -> dict[str, Any]:
    shared = {"method": call.method, "url": call.path, "params": call.query, "json": call.body}
    return {**shared, "headers": call.headers}
