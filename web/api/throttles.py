"""How often one caller may ask: counted per minute in Redis."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from sessions import minute_counter

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which imports this module

GUESSED, ANONYMOUS = "guessed", "anonymous"


class Throttle(BaseThrottle):
    """`settings.API_RATES` requests a minute: of an account, of a session key, else of an address."""

    scope = ""

    def allow_request(self, request: Request, view: APIView) -> bool:
        return self.allows(*self.caller(request))

    def allows(self, scope: str, caller: str, count: int = 1) -> bool:
        """Count so many more; True while there are no more than may be."""
        self.now = time.time()
        return minute_counter.count("rate", scope, caller, now=self.now, by=count) <= int(settings.API_RATES[scope])

    def caller(self, request: Request) -> tuple[str, str]:
        if request.user and request.user.is_authenticated:
            key = getattr(request.auth, "key_id", None)
            return "caller", f"key:{key}" if key else f"user:{request.user.pk}"
        return "stranger", str(self.get_ident(request))

    def wait(self) -> float:
        return minute_counter.seconds_left(self.now)


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
