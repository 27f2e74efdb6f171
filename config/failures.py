"""What a caller gets when we have a defect."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from streaming.gateway.errors import GatewayError


def server_error(request: HttpRequest) -> HttpResponse:
    """The broker's clients read nothing but JSON; everybody else gets Django's page."""
    if request.path.startswith("/alpaca/"):
        return JsonResponse(GatewayError(HTTPStatus.INTERNAL_SERVER_ERROR, "internal server error").body, status=500)
    return defaults.server_error(request)
