"""Errors as problem details (RFC 9457): type, title, status, detail, `errors` for fields, a broker's `figures`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import redis
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from kombu.exceptions import OperationalError as BrokerError
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import set_rollback

from marketdata.errors import MarketDataError
from sessions import postgres_faults
from sessions.control import ControlError
from sessions.models import TransitionError
from sessions.redis_faults import fault
from streaming.as_of.session_data import SymbolUnknown
from streaming.engine.publishing.lockstep import NameTaken
from streaming.starts.error import StartError
from web.api.throttles import ANONYMOUS, GUESSED, StrangerThrottle

CONTENT_TYPE = "application/problem+json"
MOST_SHOWN, MOST_ITEMS, LONGEST_DETAIL = 200, 20, 2000
"""Characters and items of a refused value; characters of an explanation."""
LONG_WORD = re.compile(rf"(\S{{{MOST_SHOWN}}})\S+")
RETRY_AFTER_SECONDS: dict[int, int] = {HTTPStatus.SERVICE_UNAVAILABLE: 2}


def exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Every refusal of the API in one shape; None leaves a real fault to Django."""
    reported = as_api_exception(_counted(error, context.get("request")))
    if reported is None:
        return None
    set_rollback()
    response = HttpResponse(
        JSONRenderer().render(problem(reported, context.get("request"))),
        status=reported.status_code,
        content_type=CONTENT_TYPE,
    )
    if header := getattr(reported, "auth_header", None):
        response["WWW-Authenticate"] = header
    if wait := getattr(reported, "wait", None) or RETRY_AFTER_SECONDS.get(reported.status_code):
        response["Retry-After"] = str(max(1, int(wait)))
    return response


def _counted(error: Exception, request: Request | None) -> Exception:
    """A failed authentication counts for its address, which gets a 429 once there were too many."""
    if request is None or not isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return error
    try:
        StrangerThrottle().count(request, ANONYMOUS if isinstance(error, exceptions.NotAuthenticated) else GUESSED)
    except exceptions.Throttled as refusal:
        return refusal
    return error


def as_api_exception(error: Exception) -> exceptions.APIException | None:
    """What the product's own errors mean over HTTP."""
    match error:
        case exceptions.APIException():
            return error
        case Http404():
            return exceptions.NotFound(*error.args)
        case PermissionDenied():
            return exceptions.PermissionDenied(*error.args)
        case StartError():
            detail = error.message
            return exceptions.ValidationError({error.field: [detail]} if error.field else [detail])
        case ControlError() | TransitionError() | NameTaken():
            return _with_status(HTTPStatus.CONFLICT, error)
        case SymbolUnknown():
            return exceptions.NotFound(str(error))
        case MarketDataError():
            return _with_status(HTTPStatus.BAD_REQUEST, error)
        case OperationalError() | InterfaceError():
            return _with_status(HTTPStatus.SERVICE_UNAVAILABLE, f"{postgres_faults.fault(error)}.")
        case redis.RedisError() | BrokerError():
            return _with_status(HTTPStatus.SERVICE_UNAVAILABLE, f"{fault(error)}.")
    return None


def _with_status(status: HTTPStatus, error: Exception | str) -> exceptions.APIException:
    reported = exceptions.APIException(str(error))
    reported.status_code = status
    return reported


def problem(error: exceptions.APIException, request: Request | None) -> dict[str, Any]:
    status = HTTPStatus(error.status_code)
    body: dict[str, Any] = {"type": "about:blank", "title": status.phrase, "status": int(status)}
    if (figures := getattr(error, "figures", None)) is not None:
        body["figures"] = figures
    if not isinstance(error, exceptions.ValidationError):
        return body | {"detail": _shortened(str(error.detail))}
    errors = list(field_errors(error.detail, given_values(request)))
    return body | {"detail": " ".join(row["detail"] for row in errors), "errors": errors}


def given_values(request: Request | None) -> Mapping[str, Any]:
    """The query and the body, to name the refused value; a body that did not parse has none."""
    if request is None:
        return {}
    try:
        body = request.data
    except exceptions.APIException:
        body = {}
    return {**request.query_params.dict(), **(body if isinstance(body, Mapping) else {})}


def field_errors(detail: Any, given: Any, path: str = "") -> Iterator[dict[str, Any]]:
    """DRF's nested details as a flat list of {field, value, detail}; `field` is "" for the whole."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            name = "" if key == "non_field_errors" else str(key)
            yield from field_errors(inner, _inside(given, key), ".".join(filter(None, (path, name))))
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for inner in detail:
            yield from field_errors(inner, given, path)
    else:
        yield {"field": path, "value": _shown(given) if path else None, "detail": _shortened(str(detail))}


def _shortened(text: str) -> str:
    """An explanation, with no more of what was given than is needed to know it by."""
    return LONG_WORD.sub(r"\1…", text)[:LONGEST_DETAIL]


def _shown(value: Any) -> Any:
    """What was given, or enough of it: an answer is not as long as what it refuses."""
    if isinstance(value, str) and len(value) > MOST_SHOWN:
        return f"{value[:MOST_SHOWN]}…"
    if isinstance(value, list | tuple):
        return [*map(_shown, value[:MOST_ITEMS]), *(["…"] if len(value) > MOST_ITEMS else [])]
    if isinstance(value, Mapping):
        return {str(key)[:MOST_SHOWN]: _shown(inner) for key, inner in list(value.items())[:MOST_ITEMS]}
    return value


def _inside(given: Any, key: Any) -> Any:
    if isinstance(given, Mapping):
        return given.get(key)
    if isinstance(given, Sequence) and not isinstance(given, str) and isinstance(key, int):
        return given[key] if key < len(given) else None
    return given
