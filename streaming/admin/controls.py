"""The transport controls' door: one POST, one verb, an answer in words."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest, JsonResponse, QueryDict
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from kombu.exceptions import OperationalError

from sessions import control
from sessions.control import ControlError
from sessions.models import Session, TransitionError
from streaming import copies, service
from streaming.admin.start_form import split
from streaming.start_request import StartError

Verb = Callable[[int, QueryDict, str], Session]

VERBS: dict[str, Verb] = {
    "pause": lambda pk, given, by: control.pause(pk, by=by),
    "resume": lambda pk, given, by: control.resume(pk, by=by),
    "stop": lambda pk, given, by: control.stop(pk, by=by),
    "speed": lambda pk, given, by: control.set_speed(pk, _number(given, "speed"), by=by),
    "step": lambda pk, given, by: control.step(pk, int(_number(given, "n")), by=by),
    "seek": lambda pk, given, by: control.seek(pk, _moment(given, "when"), by=by),
    "add": lambda pk, given, by: control.add_symbols(pk, _symbols(given), by=by),
    "remove": lambda pk, given, by: control.remove_symbols(pk, _symbols(given), by=by),
}
OPENING: dict[str, Verb] = {
    "restart": lambda pk, given, by: _opened(copies.restart(pk, by=by)),
    "fork": lambda pk, given, by: _opened(copies.fork(pk, by=by)),
}
"""Verbs that open a new session: the page goes there."""


def answer(request: HttpRequest, session_id: int, verb: str) -> JsonResponse:
    """200 with what was asked, 409 where the session cannot take it now, 400 for a value that makes no sense."""
    by = request.user.get_username()
    try:
        # The commit, and with it the queueing, belongs to what may be refused.
        with transaction.atomic():
            session = (VERBS | OPENING)[verb](session_id, request.POST, by)
    except (ControlError, TransitionError, StartError) as error:
        return JsonResponse({"detail": str(error)}, status=409)
    except ValueError as error:
        return JsonResponse({"detail": str(error)}, status=400)
    except OperationalError:
        return JsonResponse({"detail": "Redis does not answer: nothing was started."}, status=503)
    told: dict[str, object] = {"session": session.pk, "paused": session.paused, "speed": session.speed}
    if verb in OPENING:
        told["url"] = reverse("admin:replay_session_change", args=[session.pk])
    return JsonResponse(told)


def _opened(session: Session) -> Session:
    """The copy is started once its rows are there for the worker to see."""
    transaction.on_commit(lambda: service.queue_start(session.pk))
    return session


def _number(given: QueryDict, name: str) -> float:
    text = given.get(name, "")
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is no number.")
    return number


def _moment(given: QueryDict, name: str) -> dt.datetime:
    text = given.get(name, "")
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError(f"{text!r} is no time with an offset, e.g. 2024-11-18T14:30:00Z.")
    return found


def _symbols(given: QueryDict) -> tuple[str, ...]:
    return split(given.get("symbols", "").upper())
