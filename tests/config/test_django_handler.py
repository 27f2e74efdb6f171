"""One thread a request, kept for the next."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from config import django_handler
from config.django_handler import OneThreadHandler
from tests.config.test_admission_of_requests import Caller

threads: list[tuple[str, int]] = []
may_go_on = threading.Event()


class Noting:
    def __init__(self, respond: Any) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        threads.append(("middleware", threading.get_ident()))
        answer: HttpResponse = self.respond(request)
        return answer


def plain(request: HttpRequest) -> HttpResponse:
    threads.append(("view", threading.get_ident()))
    return HttpResponse(b"")


def slow(request: HttpRequest) -> HttpResponse:
    may_go_on.wait(10)
    return plain(request)


async def in_the_loop(request: HttpRequest) -> HttpResponse:
    threads.append(("view", threading.get_ident()))
    return HttpResponse(b"")


urlpatterns = [path("plain", plain), path("slow", slow), path("loop", in_the_loop)]


@pytest.fixture
def handler(settings: Any) -> Any:
    threads.clear()
    may_go_on.clear()
    middleware = [f"{__name__}.Noting", *settings.MIDDLEWARE]
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=middleware, ALLOWED_HOSTS=["*"]):
        yield OneThreadHandler()
    may_go_on.set()


async def test_middleware_and_view_run_in_one_thread_which_the_next_request_gets(handler: OneThreadHandler) -> None:
    for _ in range(3):
        caller = Caller(handler, "/plain")
        await caller.task
        assert caller.status == 200
    assert len(threads) == 6 and len({ident for _, ident in threads}) == 1
    assert threads[0][1] != threading.get_ident() and len(handler.free) == 1


async def test_requests_at_once_have_threads_of_their_own(handler: OneThreadHandler) -> None:
    callers = [Caller(handler, "/slow"), Caller(handler, "/slow")]
    await Caller(handler, "/plain").task
    assert not any(caller.status for caller in callers)
    may_go_on.set()
    await asyncio.gather(*(caller.task for caller in callers))
    assert [caller.status for caller in callers] == [200, 200]
    assert len({ident for what, ident in threads if what == "view"}) == 3 and len(handler.free) == 3


async def test_no_more_threads_are_kept_than_there_is_use_for(
    handler: OneThreadHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(django_handler, "KEPT", 1)
    callers = [Caller(handler, "/slow") for _ in range(3)]
    await asyncio.sleep(0.1)
    may_go_on.set()
    await asyncio.gather(*(caller.task for caller in callers))
    assert len(handler.free) == 1 and [caller.status for caller in callers] == [200] * 3
    assert len({ident for what, ident in threads if what == "view"}) == 3


async def test_an_asynchronous_view_runs_in_the_servers_loop(handler: OneThreadHandler) -> None:
    caller = Caller(handler, "/loop")
    await caller.task
    assert caller.status == 200 and threads[-1] == ("view", threading.get_ident())


async def test_a_request_whose_client_has_left_gives_its_thread_back(handler: OneThreadHandler) -> None:
    caller = Caller(handler, "/slow")
    await asyncio.sleep(0.1)
    caller.incoming.put_nowait({"type": "http.disconnect"})
    await asyncio.sleep(0.1)
    assert not handler.free
    may_go_on.set()
    await caller.task
    assert len(handler.free) == 1
