"""What can go wrong, each with the server's own words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class TapedeckError(Exception):
    """Everything that this package raises on purpose."""


class ConnectionLost(TapedeckError):
    """The server cannot be reached, or has been away for longer than a stream waits."""


class UnexpectedAnswer(TapedeckError):
    """The server's answer is none of Tapedeck's: the address is probably another program's."""


class SessionFailed(TapedeckError):
    """The session has failed; the text is its reason."""


class WaitTimeout(TapedeckError):
    """A session or an order did not get into the state that was waited for."""


class MissingExtra(TapedeckError, ImportError):
    """A package that only a part of this one needs is not installed; the text says which."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One refused value. `field` is empty where the request in general is refused."""

    field: str
    value: Any
    detail: str


class ApiError(TapedeckError):
    """The server refuses a request; the text is its explanation (RFC 9457's `detail`)."""

    def __init__(self, status: int, title: str, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors
        self.retry_after: float | None = None
        """Seconds to wait before asking again, where the server says so."""


class InvalidRequest(ApiError):
    """400: a value is wrong; `errors` names the fields."""


class NotAuthenticated(ApiError):
    """401: no token or key, or one that is unknown or revoked."""


class NotAllowed(ApiError):
    """403: the token or key does not open this."""


class NotFound(ApiError):
    """404: no such session, symbol, reader, account, order or position."""


class Conflict(ApiError):
    """409: the session's state does not allow it."""


class TooManyRequests(ApiError):
    """429: `retry_after` has the seconds to wait."""


class ServerError(ApiError):
    """5xx: the server's fault."""


class ServiceUnavailable(ServerError):
    """503: the server does without Postgres or Redis at the moment."""


class Refused(ApiError):
    """The broker refuses an order or a change of one; the text is its message. Nothing was placed or changed."""

    figures: Mapping[str, Any] = {}
    """What it was measured against, e.g. `buying_power` and `cost_basis` in USD, `available` in shares, as Decimal."""


class MalformedOrder(Refused, InvalidRequest):
    """400: values that are missing, exclude each other, or are no numbers."""


class UnknownToBroker(Refused, NotFound):
    """404: the account has no such order or position."""


class NotCovered(Refused, Conflict):
    """409: what the account has or is allowed does not cover it: buying power, shares, selling short, open orders.

    Also where the session has ended, which takes no more orders.
    """


class AgainstRules(Refused):
    """422: a rule of the market, or the order's state, is against it: ticks, hours, prices of exits, a used id."""


REFUSED: Mapping[int, type[Refused]] = {
    400: MalformedOrder,
    404: UnknownToBroker,
    409: NotCovered,
    422: AgainstRules,
}
"""Of answers that have `figures`: the broker's."""
KINDS: Mapping[int, type[ApiError]] = {
    400: InvalidRequest,
    401: NotAuthenticated,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    429: TooManyRequests,
    503: ServiceUnavailable,
}


def api_error(status: int, body: bytes, headers: Mapping[str, str]) -> ApiError:
    """The error of an answer with this status, with the words of its problem details where it has some."""
    problem = _problem(body)
    figures = problem.get("figures")
    refused = REFUSED.get(status) if isinstance(figures, dict) else None
    kind = refused or KINDS.get(status, ServerError if status >= 500 else ApiError)
    title = str(problem.get("title") or f"HTTP status {status}")
    rows = problem.get("errors") or ()
    fields = tuple(FieldError(row.get("field", ""), row.get("value"), row.get("detail", "")) for row in rows)
    error = kind(status, title, str(problem.get("detail") or ""), fields)
    if isinstance(error, Refused):
        error.figures = {name: _figure(name, value) for name, value in (figures or {}).items()}
    wait = headers.get("retry-after", "")
    error.retry_after = float(wait) if wait.isdigit() else None
    return error


def _figure(name: str, value: Any) -> Any:
    """Numbers come as text."""
    return Decimal(value) if name != "symbol" and isinstance(value, str) and NUMBER.fullmatch(value) else value


def _problem(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
