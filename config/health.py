"""The one address that is open to everybody: is the process up?"""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Touches no service: a slow database must not make a supervisor kill a healthy web process."""
    return JsonResponse({"status": "ok"})
