"""What the gateway refuses, in the broker's own words and codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus

import redis
from django.db import InterfaceError, OperationalError

from sessions import postgres_faults
from sessions.redis_faults import fault

SERVERS_AWAY = (OperationalError, InterfaceError, redis.RedisError)
"""Postgres or Redis does not answer, or Redis refuses."""


class GatewayError(Exception):
    """A refusal as the broker's clients expect it: `{"code": …, "message": …}` with this status."""

    def __init__(
        self, status: HTTPStatus, message: str, code: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status, self.message, self.headers = status, message, dict(headers or {})
        self.code = code if code is not None else int(status) * 100_000 + 10_000
        super().__init__(message)

    @property
    def body(self) -> dict[str, int | str]:
        return {"code": self.code, "message": self.message}


def bad_request(message: str) -> GatewayError:
    return GatewayError(HTTPStatus.BAD_REQUEST, message)


def unauthorized() -> GatewayError:
    return GatewayError(HTTPStatus.UNAUTHORIZED, "unauthorized")


def not_found(message: str) -> GatewayError:
    return GatewayError(HTTPStatus.NOT_FOUND, message)


def method_not_allowed(allowed: Iterable[str]) -> GatewayError:
    headers = {"Allow": ", ".join(allowed)}
    return GatewayError(HTTPStatus.METHOD_NOT_ALLOWED, "method not allowed", headers=headers)


def too_many_requests() -> GatewayError:
    return GatewayError(HTTPStatus.TOO_MANY_REQUESTS, "too many requests.")


def as_refusal(error: Exception) -> GatewayError:
    """What a refusal, Postgres or Redis being away means to a bot."""
    match error:
        case GatewayError():
            return error
        case OperationalError() | InterfaceError():
            return GatewayError(HTTPStatus.SERVICE_UNAVAILABLE, postgres_faults.fault(error))
    return GatewayError(HTTPStatus.SERVICE_UNAVAILABLE, fault(error))
