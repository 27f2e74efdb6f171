"""Who asks: the broker's three ways to send a key, and the session that the key is bound to."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.http import HttpRequest

from gateway.callers import throttle
from gateway.wire.wire_errors import GatewayError
from sessions import keys
from sessions.models import SessionKey

KEY_HEADER, SECRET_HEADER = "apca-api-key-id", "apca-api-secret-key"
OAUTH = "oauth"
SESSION, ACCOUNT = ("session__run", "session__dataset"), ("account_key",)
"""What is read with a key: all that most requests need, or which account it trades."""


class Credentials(NamedTuple):
    key: str
    secret: str


def from_headers(headers: Mapping[str, str]) -> Credentials | None:
    """From lower-case header names; None where none of the three is there."""
    if KEY_HEADER in headers:
        return Credentials(headers[KEY_HEADER], headers.get(SECRET_HEADER, ""))
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        return _basic(value.strip())
    if scheme.lower() == "bearer":
        return from_token(value.strip())
    return None


def from_token(token: str) -> Credentials:
    """An OAuth token of ours is the key's two halves with a dot between."""
    key, _, secret = token.partition(".")
    return Credentials(key, secret)


def from_message(message: Mapping[str, object]) -> Credentials:
    """The socket's auth message; with the key "oauth" the secret is a token."""
    key, secret = str(message.get("key", "")), str(message.get("secret", ""))
    return from_token(secret) if key == OAUTH else Credentials(key, secret)


def check(credentials: Credentials | None, related: Sequence[str] = SESSION) -> SessionKey | None:
    return keys.check(*credentials, SessionKey.Kind.BROKER, related) if credentials else None


def admitted(credentials: Credentials | None, address: str, related: Sequence[str] = SESSION) -> SessionKey | None:
    """The key; a wrong one counts as its address's guess. Raises GatewayError where that has guessed too often."""
    throttle.refuse_guessers(address)
    key = check(credentials, related)
    if key is None:
        throttle.guess(address)
    return key


def of_request(request: HttpRequest, related: Sequence[str] = SESSION) -> SessionKey | None:
    """The key that a request comes with. Raises GatewayError like `admitted`."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return admitted(from_headers(headers), request.META.get("REMOTE_ADDR", ""), related)


def of_socket(credentials: Credentials, address: str) -> SessionKey | None:
    """The key that a socket's client gives; None also where its address has guessed too often."""
    try:
        return admitted(credentials, address)
    except GatewayError:
        return None


def _basic(value: str) -> Credentials | None:
    try:
        key, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Credentials(key, secret)
