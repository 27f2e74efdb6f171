"""The two addresses that are open to everybody: is the process up, and can it serve?"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.probe import Probe
from streaming.status import postgres_status, redis_status

DEADLINE_SECONDS = 3.0
"""Less than the time after which supervisors and balancers usually stop waiting."""


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Touches no service: a slow database must not make a supervisor kill a healthy web process."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 where requests can be answered: Postgres and Redis are there, the tables are this release's.

    `warnings`: what loses data one day, or keeps services from coming back.
    """
    database, redis = POSTGRES.answer(), REDIS.answer()
    checks = {
        "postgres": database is not None and database["ok"],
        "redis": redis is not None and redis["ok"],
        "migrations": database is not None and database["migrated"],
    }
    ready = all(checks.values())
    warnings = redis["warnings"] if redis else []
    body = {"status": "ready" if ready else "not ready", "checks": checks, "warnings": warnings}
    return JsonResponse(body, status=200 if ready else 503)


def database_status() -> dict[str, Any]:
    status = postgres_status()
    return status | {"migrated": status["ok"] and migrated()}


def migrated() -> bool:
    """Whether every migration is applied. Once true it stays so for this process's code, and is not asked again."""
    try:
        return _all_applied()
    except (_Pending, DatabaseError):
        return False


POSTGRES = Probe("postgres", database_status, DEADLINE_SECONDS)
REDIS = Probe("redis", redis_status, DEADLINE_SECONDS)


class _Pending(Exception):
    """Migrations wait. Raised, for a returned False would be cached."""


@cache
def _all_applied() -> bool:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise _Pending
    return True
