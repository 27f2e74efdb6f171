"""Views for callers with a key that ask about its session: methods, rate limits, refusals in the broker's shape."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from gateway.callers import key_auth as keys
from gateway.callers import throttle
from gateway.wire.wire_errors import SERVERS_AWAY, GatewayError, as_refusal, method_not_allowed, not_found, unauthorized
from sessions.models import Session

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
READING = ("GET", "HEAD")


def session_view(
    question: Callable[Concatenate[HttpRequest, Session, P], Any], methods: Collection[str] = READING
) -> View[P]:
    """A view for callers with a key: the question gets the key's session, every refusal the broker's shape."""

    @csrf_exempt
    @functools.wraps(question)
    def view(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        headers: dict[str, str] = {}
        try:
            session, allowance = _admitted(request)
            headers = allowance.headers()
            if request.method not in methods:
                raise method_not_allowed(methods)
            return answered(question(request, session, *args, **kwargs), headers)
        except (GatewayError, *SERVERS_AWAY) as error:
            reported = as_refusal(error)
            return answered(reported.body, headers | reported.headers, reported.status)

    return view


def _admitted(request: HttpRequest) -> tuple[Session, throttle.Allowance]:
    key = keys.of_request(request)
    if key is None:
        raise unauthorized()
    return key.session, throttle.spend(key.key_id)


def answered(body: Any, headers: Mapping[str, str], status: int = HTTPStatus.OK) -> HttpResponse:
    """A body as JSON."""
    return HttpResponse(orjson.dumps(body), content_type="application/json", status=status, headers=headers)


def _unknown(request: HttpRequest, session: Session) -> None:
    raise not_found("endpoint not found.")


unknown = session_view(_unknown, (*READING, "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"))
