"""How often a key may ask, and how often an address may guess at keys: counted in Redis, a minute at a time."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings

from gateway.wire.wire_errors import too_many_requests
from sessions import minute_counter

FAILURES_A_MINUTE = 120


@dataclass(frozen=True, slots=True)
class Allowance:
    limit: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


def spend(key_id: str) -> Allowance:
    """One request of a key. Raises 429 when its minute is used up."""
    limit = settings.ALPACA_REQUESTS_PER_MINUTE
    now = time.time()
    used = minute_counter.count("alpaca", f"requests:{key_id}", now=now)
    if used > limit:
        raise too_many_requests()
    return Allowance(limit, limit - used, round(now + minute_counter.seconds_left(now)))


def guess(address: str) -> None:
    """One wrong credential from an address. Raises 429 when there were too many."""
    _require(address, 1)


def refuse_guessers(address: str) -> None:
    """Before a credential is even looked at."""
    _require(address, 0)


def _require(address: str, more: int) -> None:
    if minute_counter.count("alpaca", f"guesses:{address}", now=time.time(), by=more) > FAILURES_A_MINUTE:
        raise too_many_requests()
