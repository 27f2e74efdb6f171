"""Django behind ASGI with one thread a request: middleware and view run in it, and it is kept for the next request."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponseBase

KEPT = 32
"""Threads that wait for requests. Pages that are followed for long may be more: theirs end with them."""


class OneThreadHandler(ASGIHandler):
    """Django's own changes threads at every middleware that knows only one of its two modes, and makes them anew."""

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self.free: list[ThreadPoolExecutor] = []
        """Of one thread each."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        thread = self.free.pop() if self.free else ThreadPoolExecutor(1, "request")
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle(scope, receive, send)
        finally:
            if len(self.free) < KEPT:
                self.free.append(thread)
            else:
                thread.shutdown(wait=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response)(request)
