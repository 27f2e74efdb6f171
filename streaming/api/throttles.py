"""How often one caller may ask: counted per minute in Redis, and not at all while Redis is away."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import redis
from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from sessions import wakeup

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which imports this module

WINDOW = 60


class Throttle(BaseThrottle):
    """`settings.API_RATES` requests a minute: of an account, of a session key, else of an address."""

    scope = ""

    def allow_request(self, request: Request, view: APIView) -> bool:
        return self.allows(*self.caller(request))

    def allows(self, scope: str, caller: str) -> bool:
        """Count one more; True while there are no more than may be."""
        self.now = time.time()
        name = f"tapedeck:rate:{scope}:{caller}:{int(self.now // WINDOW)}"
        try:
            pipeline = wakeup.connection().pipeline()
            pipeline.incr(name)
            pipeline.expire(name, 2 * WINDOW)
            count = pipeline.execute()[0]
        except redis.RedisError:
            return True  # an API that answers beats one that counts
        return int(count) <= int(settings.API_RATES[scope])

    def caller(self, request: Request) -> tuple[str, str]:
        if request.user and request.user.is_authenticated:
            key = getattr(request.auth, "key_id", None)
            return "caller", f"key:{key}" if key else f"user:{request.user.pk}"
        return "stranger", str(self.get_ident(request))

    def wait(self) -> float:
        return WINDOW - self.now % WINDOW


class LoginThrottle(Throttle):
    """Passwords are tried here: by address, whoever it says it is."""

    def caller(self, request: Request) -> tuple[str, str]:
        return "login", str(self.get_ident(request))
