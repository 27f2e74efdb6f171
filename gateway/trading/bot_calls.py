"""Views for callers with a key: methods, the key's account, JSON bodies, refusals in the broker's shape."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.csrf import csrf_exempt

from broker.accounts import account_id_of
from broker.models import Account
from broker.refusals import Kind, Refusal, malformed
from gateway.callers import key_auth as keys
from gateway.callers import throttle
from gateway.callers.session_view import answered
from gateway.wire.wire_errors import SERVERS_AWAY, GatewayError, as_refusal, method_not_allowed
from sessions.models import Session, SessionKey

STATUS = {
    Kind.FORMAT: (HTTPStatus.UNPROCESSABLE_ENTITY, 40010001),
    Kind.RULE: (HTTPStatus.UNPROCESSABLE_ENTITY, 42210000),
    Kind.FORBIDDEN: (HTTPStatus.FORBIDDEN, 40310000),
    Kind.NOT_FOUND: (HTTPStatus.NOT_FOUND, 40410000),
    Kind.BUSY: (HTTPStatus.SERVICE_UNAVAILABLE, 50310000),
}
MOST_BODY_BYTES = 64 << 10
BODIES = ("POST", "PATCH", "PUT")
NUL = re.compile(rb"\\u0000|\0")


@dataclass(frozen=True)
class Call:
    """A request of a bot: what it asks with, what it sent, and, read where they are needed, its account and session."""

    key: SessionKey
    query: QueryDict
    body: Any

    @cached_property
    def account_id(self) -> int:
        return account_id_of(self.key)

    @cached_property
    def account(self) -> Account:
        return Account.objects.get(pk=self.account_id)

    @cached_property
    def session(self) -> Session:
        """With its run and dataset."""
        return Session.objects.with_run().get(pk=self.key.session_id)


Question = Callable[..., Any]
NOTHING = object()
"""What a question answers that has no body: 204."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A body with a status of its own."""

    body: Any
    status: HTTPStatus


def account_view(**questions: Question) -> Callable[..., HttpResponse]:
    """A view of one path: a question for each method that it has, in lower case."""

    @csrf_exempt
    def view(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponse:
        headers: dict[str, str] = {}
        try:
            key = _admitted(request)
            headers = _allowance(key)
            question = questions.get(str(request.method).lower())
            if question is None:
                raise method_not_allowed(sorted(method.upper() for method in questions))
            _refuse_nul(request)
            call = Call(key, request.GET, _body(request))
            return _respond(question(call, *args, **kwargs), headers)
        except (Refusal, GatewayError, *SERVERS_AWAY) as error:
            body, status, more = refused(error)
            return answered(body, headers | more, status)

    functools.update_wrapper(view, next(iter(questions.values())))
    return view


def refused(error: Exception) -> tuple[Mapping[str, Any], int, dict[str, str]]:
    """Body, status and headers."""
    if isinstance(error, Refusal):
        status, code = STATUS[error.kind]
        return {"code": code, "message": error.message, **error.extras}, status, {}
    reported = as_refusal(error)
    return reported.body, reported.status, reported.headers


def _admitted(request: HttpRequest) -> SessionKey:
    key = keys.of_request(request, keys.ACCOUNT)
    if key is None:
        raise GatewayError(HTTPStatus.UNAUTHORIZED, "unauthorized.")
    return key


def _allowance(key: SessionKey) -> dict[str, str]:
    try:
        return throttle.spend(key.key_id).headers()
    except GatewayError as error:
        raise GatewayError(error.status, "rate limit exceeded", 42910000) from None


def _refuse_nul(request: HttpRequest) -> None:
    """Postgres takes none, not even to look for it."""
    given = [request.path_info, *(value for values in request.GET.lists() for value in values[1])]
    if any("\0" in text for text in given) or (request.method in BODIES and NUL.search(request.body)):
        raise malformed("a NUL character is not allowed")


def _body(request: HttpRequest) -> Any:
    if request.method not in BODIES:
        return None
    raw = request.body
    if len(raw) > MOST_BODY_BYTES:
        raise GatewayError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is longer than {MOST_BODY_BYTES} bytes")
    try:
        return orjson.loads(raw)
    except (ValueError, RecursionError):
        raise GatewayError(HTTPStatus.BAD_REQUEST, "request body format is invalid", STATUS[Kind.FORMAT][1]) from None


def _respond(answer: Any, headers: dict[str, str]) -> HttpResponse:
    if answer is NOTHING:
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers=headers)
    if isinstance(answer, Answer):
        return answered(answer.body, headers, answer.status)
    return answered(answer, headers)
