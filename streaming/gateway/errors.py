"""What the gateway refuses, in the broker's own words and codes."""

from __future__ import annotations

from http import HTTPStatus


class GatewayError(Exception):
    """A refusal as the broker's clients expect it: `{"code": …, "message": …}` with this status."""

    def __init__(self, status: HTTPStatus, message: str, code: int | None = None) -> None:
        self.status, self.message = status, message
        self.code = code if code is not None else int(status) * 100_000 + 10_000
        super().__init__(message)

    @property
    def body(self) -> dict[str, int | str]:
        return {"code": self.code, "message": self.message}


def bad_request(message: str) -> GatewayError:
    return GatewayError(HTTPStatus.BAD_REQUEST, message)


def unauthorized() -> GatewayError:
    return GatewayError(HTTPStatus.UNAUTHORIZED, "unauthorized")


def not_simulated(what: str) -> GatewayError:
    text = f"{what}: not simulated; this replays market data and has no account, orders or positions"
    return GatewayError(HTTPStatus.FORBIDDEN, text)


def not_found(message: str) -> GatewayError:
    return GatewayError(HTTPStatus.NOT_FOUND, message)


def too_many_requests() -> GatewayError:
    return GatewayError(HTTPStatus.TOO_MANY_REQUESTS, "too many requests.")


def unavailable(what: str) -> GatewayError:
    return GatewayError(HTTPStatus.SERVICE_UNAVAILABLE, f"{what} does not answer")
