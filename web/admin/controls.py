"""The transport controls: one POST, one verb, an answer in words."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest, JsonResponse, QueryDict
from django.urls import reverse
from kombu.exceptions import OperationalError

from marketdata.errors import MarketDataError
from sessions import control
from sessions.control import ControlError
from sessions.market_time import landing, market_time
from sessions.models import Session, TransitionError
from sessions.redis_faults import fault
from streaming.starts import copies, service
from streaming.starts.error import StartError
from streaming.verify import jobs
from web.admin.start_form import split

Verb = Callable[[int, QueryDict, str], Session]

VERBS: dict[str, Verb] = {
    "pause": lambda pk, given, by: control.pause(pk, by=by),
    "resume": lambda pk, given, by: control.resume(pk, by=by),
    "stop": lambda pk, given, by: control.stop(pk, by=by),
    "speed": lambda pk, given, by: control.set_speed(pk, _number(given, "speed"), by=by),
    "step": lambda pk, given, by: control.step(pk, int(_number(given, "n")), by=by),
    "seek": lambda pk, given, by: _seek(pk, given, by),
    "add": lambda pk, given, by: control.add_symbols(pk, _symbols(given), by=by),
    "remove": lambda pk, given, by: control.remove_symbols(pk, _symbols(given), by=by),
}
OPENING: dict[str, Verb] = {
    "restart": lambda pk, given, by: _opened(copies.restart(pk, by=by)),
    "fork": lambda pk, given, by: _opened(copies.fork(pk, _moment(pk, given), by=by)),
}
"""Verbs that open a new session: the page goes there."""
PROVING: dict[str, Verb] = {"verify": lambda pk, given, by: jobs.ask(pk, by=by).session}


def answer(request: HttpRequest, session_id: int, verb: str) -> JsonResponse:
    """200 with what was asked, 409 where the session cannot take it now, 400 for a value that makes no sense."""
    by = request.user.get_username()
    try:
        # The commit, and with it the queueing, belongs to what may be refused.
        with transaction.atomic():
            session = (VERBS | OPENING | PROVING)[verb](session_id, request.POST, by)
    except (ControlError, TransitionError, StartError) as error:
        return JsonResponse({"detail": str(error)}, status=409)
    except (ValueError, MarketDataError) as error:
        return JsonResponse({"detail": str(error)}, status=400)
    except OperationalError as error:
        return JsonResponse({"detail": f"{fault(error)}: nothing was started."}, status=503)
    payload: dict[str, object] = {"session": session.pk, "paused": session.paused, "speed": session.speed}
    if verb == "seek":
        payload["note"] = landing(session, market_time(request.POST["when"], session))
    if verb in OPENING:
        payload["url"] = reverse("admin:replay_session_change", args=[session.pk])
    return JsonResponse(payload)


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


def _moment(session_id: int, given: QueryDict) -> dt.datetime | None:
    """When a fork begins, where somebody said it."""
    when = given.get("when", "")
    return market_time(when, Session.objects.with_run().get(pk=session_id)) if when else None


def _seek(session_id: int, given: QueryDict, by: str) -> Session:
    session = Session.objects.with_run().get(pk=session_id)
    return control.seek(session_id, market_time(given.get("when", ""), session), by=by)


def _symbols(given: QueryDict) -> tuple[str, ...]:
    return split(given.get("symbols", ""))
