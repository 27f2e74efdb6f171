"""A character that Postgres takes in no text is refused before a page looks for it. The APIs do so in their form."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.urls import reverse

GetResponse = Callable[[HttpRequest], HttpResponse]
REFUSAL = "The address has a NUL character (%00): no name, symbol or number has one."


class CleanAddresses:
    """Middleware of the admin's pages and of what their scripts ask for."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if has_nul(request) and request.path_info.startswith(reverse("admin:index")):
            return HttpResponseBadRequest(REFUSAL, content_type="text/plain; charset=utf-8")
        return self.get_response(request)


def has_nul(request: HttpRequest) -> bool:
    return "%00" in request.META.get("QUERY_STRING", "") or "\0" in request.path_info
