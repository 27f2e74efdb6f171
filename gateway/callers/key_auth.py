"""Who asks: the broker's three ways to send a key, and the session that the key is bound to."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import NamedTuple

from django.http import HttpRequest

from gateway.callers import throttle
from gateway.wire.wire_errors import GatewayError
from sessions import keys
from sessions.models import SessionKey

KEY_HEADER, SECRET_HEADER = "apca-api-key-id", "apca-api-secret-key"
OAUTH = "oauth"
READ_WITH_IT = ("session__run", "account_key__account")
"""Of a key: nearly every request needs the clock, those that trade the account."""


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


def check(credentials: Credentials | None) -> SessionKey | None:
    return keys.check(*credentials, SessionKey.Kind.BROKER, *READ_WITH_IT) if credentials else None


def admitted(credentials: Credentials | None, address: str) -> SessionKey | None:
    """The key; a wrong one counts as its address's guess. Raises GatewayError where that has guessed too often."""
    throttle.refuse_guessers(address)
    key = check(credentials)
    if key is None:
        throttle.guess(address)
    return key


def of_request(request: HttpRequest) -> SessionKey | None:
    """The key that a request comes with. Raises GatewayError like `admitted`."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return admitted(from_headers(headers), request.META.get("REMOTE_ADDR", ""))


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
