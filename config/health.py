"""The two addresses that are open to everybody: is the process up, and can it serve?"""

from __future__ import annotations

from functools import cache

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from streaming.status import postgres_status, redis_status


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Touches no service: a slow database must not make a supervisor kill a healthy web process."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 where requests can be answered: Postgres and Redis are there, the tables are this release's."""
    checks = {"postgres": bool(postgres_status()["ok"]), "redis": bool(redis_status()["ok"])}
    checks["migrations"] = checks["postgres"] and migrated()
    ready = all(checks.values())
    told = {"status": "ready" if ready else "not ready", "checks": checks}
    return JsonResponse(told, status=200 if ready else 503)


def migrated() -> bool:
    """Whether every migration is applied. Once true it stays so for this process's code, and is not asked again."""
    try:
        return _all_applied()
    except (_Pending, DatabaseError):
        return False


class _Pending(Exception):
    """Not kept by the cache, as a value would be."""


@cache
def _all_applied() -> bool:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise _Pending
    return True
