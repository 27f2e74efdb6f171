"""Bots in browsers: pages of the origins in `ALPACA_CORS_ORIGINS` may ask the gateway, with keys in their headers."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

PATHS = "/alpaca/"
METHODS = "GET, POST, PATCH, PUT, DELETE"
HEADERS = "APCA-API-KEY-ID, APCA-API-SECRET-KEY, Authorization, Content-Type"
EXPOSED = "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
SECONDS = "600"
"""For which a browser may remember the answer."""


class Cors:
    """A middleware. Browsers ask before they send a key (OPTIONS): that is answered without one."""

    def __init__(self, respond: Callable[[HttpRequest], HttpResponse]) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        origin = request.headers.get("Origin")
        if not origin or not request.path.startswith(PATHS) or not is_allowed(origin):
            return self.respond(request)
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            answer = HttpResponse(status=HTTPStatus.NO_CONTENT)
            answer["Access-Control-Allow-Methods"], answer["Access-Control-Allow-Headers"] = METHODS, HEADERS
            answer["Access-Control-Max-Age"] = SECONDS
        else:
            answer = self.respond(request)
            answer["Access-Control-Expose-Headers"] = EXPOSED
        answer["Access-Control-Allow-Origin"] = origin
        patch_vary_headers(answer, ("Origin",))
        return answer


def is_allowed(origin: str) -> bool:
    return "*" in settings.ALPACA_CORS_ORIGINS or origin in settings.ALPACA_CORS_ORIGINS
