"""What a caller gets where no view answers: a defect, a request that Django refuses, an address that is not there.

The broker's clients and the API's read nothing but JSON; everybody else gets Django's page.
"""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from gateway.wire.wire_errors import GatewayError
from web.api.problems import CONTENT_TYPE

REFUSED = "The request cannot be read: its host, its headers or its parameters are none that are taken here."
DEFECT = "A defect of ours: the server's log has the reason."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _in_json(request, HTTPStatus.BAD_REQUEST, REFUSED) or defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    forbidden = "This is not allowed."
    return _in_json(request, HTTPStatus.FORBIDDEN, forbidden) or defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    nowhere = f"{request.path} is no address here."
    return _in_json(request, HTTPStatus.NOT_FOUND, nowhere) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    return _in_json(request, HTTPStatus.INTERNAL_SERVER_ERROR, DEFECT) or defaults.server_error(request)


def _in_json(request: HttpRequest, status: HTTPStatus, detail: str) -> HttpResponse | None:
    """None for a path of pages."""
    if request.path.startswith("/alpaca/"):
        return JsonResponse(GatewayError(status, status.phrase.lower()).body, status=status)
    if request.path.startswith("/api/"):
        body = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
        return JsonResponse(body, status=status, content_type=CONTENT_TYPE)
    return None
