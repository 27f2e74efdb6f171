"""What the broker refuses, and what kind of refusal it is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any


class Kind(Enum):
    FORMAT = "the request is not well-formed"
    RULE = "a rule of the market or the account's settings"
    FORBIDDEN = "what the account has does not allow it"
    NOT_FOUND = "there is no such thing"
    BUSY = "the session cannot take it now"


class Refusal(Exception):
    """A request that changes nothing; `extras` are the figures that it was measured against."""

    def __init__(self, kind: Kind, message: str, extras: Mapping[str, Any] | None = None) -> None:
        self.kind, self.message, self.extras = kind, message, dict(extras or {})
        super().__init__(message)


def malformed(message: str) -> Refusal:
    return Refusal(Kind.FORMAT, message)


def against_rule(message: str, **extras: Any) -> Refusal:
    return Refusal(Kind.RULE, message, extras)


def forbidden(message: str, **extras: Any) -> Refusal:
    return Refusal(Kind.FORBIDDEN, message, extras)


def unknown(message: str) -> Refusal:
    return Refusal(Kind.NOT_FOUND, message)


def busy(message: str) -> Refusal:
    return Refusal(Kind.BUSY, message)
