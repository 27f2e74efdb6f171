"""How often one caller may ask: counted per minute in Redis, and not at all while Redis is away."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import redis
from django.conf import settings
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from sessions import redis_client
from sessions.redis_keys import key

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which imports this module

WINDOW = 60
GUESSED, ANONYMOUS = "guessed", "anonymous"


class Throttle(BaseThrottle):
    """`settings.API_RATES` requests a minute: of an account, of a session key, else of an address."""

    scope = ""

    def allow_request(self, request: Request, view: APIView) -> bool:
        return self.allows(*self.caller(request))

    def allows(self, scope: str, caller: str, count: int = 1) -> bool:
        """Count so many more; True while there are no more than may be."""
        self.now = time.time()
        name = key("rate", scope, caller, int(self.now // WINDOW))
        try:
            pipeline = redis_client.connection().pipeline()
            pipeline.incrby(name, count)
            pipeline.expire(name, 2 * WINDOW)
            counted = pipeline.execute()[0]
        except redis.RedisError:
            return True  # an API that answers beats one that counts
        return int(counted) <= int(settings.API_RATES[scope])

    def caller(self, request: Request) -> tuple[str, str]:
        if request.user and request.user.is_authenticated:
            key = getattr(request.auth, "key_id", None)
            return "caller", f"key:{key}" if key else f"user:{request.user.pk}"
        return "stranger", str(self.get_ident(request))

    def wait(self) -> float:
        return WINDOW - self.now % WINDOW


class StrangerThrottle(Throttle):
    """Requests without credentials, and those with wrong ones, by address: DRF throttles only after authentication."""

    def count(self, request: Request, failure: str) -> None:
        """One more. Raises Throttled where there were too many."""
        self._require(request, failure, 1)

    def refuse_guessers(self, request: Request) -> None:
        """Before a credential is even looked at. Raises Throttled."""
        self._require(request, GUESSED, 0)

    def _require(self, request: Request, failure: str, count: int) -> None:
        if not self.allows("stranger", f"{failure}:{self.get_ident(request)}", count):
            raise Throttled(self.wait())


class LoginThrottle(Throttle):
    """Passwords are tried here: by address, whoever it says it is."""

    def caller(self, request: Request) -> tuple[str, str]:
        return "login", str(self.get_ident(request))
