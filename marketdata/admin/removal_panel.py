"""On pages that undo and delete: how far a worker is with it, and once, like any message, what came of it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from marketdata.removal import removal_queue
from marketdata.removal.removal_queue import Removal, State


def say(request: HttpRequest, removal: Removal, *names: object) -> None:
    messages.add_message(request, messages.SUCCESS if removal.state == State.DONE else messages.ERROR, removal.said)
    removal_queue.forget(*names)


def panel(request: HttpRequest, *names: object) -> HttpResponse:
    """How far it is; once that is over the page comes anew."""
    removal = removal_queue.find(*names)
    if removal is None or not removal.working:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return TemplateResponse(request, "marketdata/removal_progress.html", {"removal": removal})


def ask(request: HttpRequest, task: str, names: tuple[object, ...], days: int, *args: object) -> None:
    """Have a worker do it, once."""
    removal = removal_queue.find(*names)
    if removal and removal.working:
        messages.warning(request, "A worker is at it already.")
    elif problem := removal_queue.queue(task, names, days, *args):
        messages.error(request, problem)
