"""How often a key may ask, and how often an address may guess at keys: counted in Redis, a minute at a time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import cast

import redis
from django.conf import settings

from gateway.wire_errors import too_many_requests
from sessions import redis_client
from sessions.redis_keys import key

WINDOW = 60
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
    used, reset = _count(f"requests:{key_id}", 1)
    if used > limit:
        raise too_many_requests()
    return Allowance(limit, limit - used, reset)


def guess(address: str) -> None:
    """One wrong credential from an address. Raises 429 when there were too many."""
    if _count(f"guesses:{address}", 1)[0] > FAILURES_A_MINUTE:
        raise too_many_requests()


def refuse_guessers(address: str) -> None:
    """Before a credential is even looked at."""
    if _count(f"guesses:{address}", 0)[0] > FAILURES_A_MINUTE:
        raise too_many_requests()


def _count(name: str, by: int) -> tuple[int, int]:
    """(count in the running minute, when that ends); without Redis nobody is refused."""
    window = int(time.time()) // WINDOW
    counter = key("alpaca", name, window)
    try:
        with redis_client.connection().pipeline(transaction=False) as pipe:
            pipe.incrby(counter, by)
            pipe.expire(counter, 2 * WINDOW)
            used = cast(int, pipe.execute()[0])
    except (redis.ConnectionError, redis.TimeoutError):
        used = 0
    return used, (window + 1) * WINDOW
