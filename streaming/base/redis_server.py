"""Whether the Redis server is one that sessions can live on: of a supported kind, not losing data, and ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from django.db import connection as database

from sessions import redis_client
from sessions.redis_keys import key

CLAIM_SECONDS = 3 * 24 * 3600
"""A prefix that its installation no longer claims is free again: a restored database has another identity."""
IDENTITY = """
SELECT format('%s/%s', system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database()))
  FROM pg_control_system()
"""


class UnsuitableServer(Exception):
    """No session can be played on this server; the text says why and what would be right."""


def require_suitable() -> None:
    """Raises UnsuitableServer; redis.RedisError where the server does not answer."""
    info = redis_client.connection().info()
    if reason := unsupported(info):
        raise UnsuitableServer(reason)
    claim_prefix()


def unsupported(info: Mapping[str, Any]) -> str:
    """Why this kind of server cannot be used; empty where it can. `info`: the reply to INFO."""
    if info.get("redis_mode") == "cluster" or info.get("cluster_enabled"):
        return (
            "REDIS_URL names a Redis Cluster: a session's keys have to be on one node. "
            "Use a server of its own (cluster-enabled no), or a primary with replicas."
        )
    return ""


def losses(info: Mapping[str, Any]) -> Iterator[str]:
    """Settings and states with which the server loses frames, each with what would be right."""
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield f"Redis evicts keys (maxmemory-policy {policy}): set maxmemory-policy noeviction."
    if not info.get("aof_enabled", 1):
        yield "Redis loses what it holds when it restarts (appendonly no): set appendonly yes."
    elif info.get("aof_last_write_status", "ok") != "ok":
        yield "Redis cannot write its append-only file: look for a full disk on its machine."
    if info.get("role", "master") != "master":
        yield "REDIS_URL names a read-only replica: name the primary."


def claim_prefix() -> None:
    """Say that this database's installation uses the prefix. Raises UnsuitableServer where another one does."""
    with database.cursor() as cursor:
        cursor.execute(IDENTITY)
        identity = str(cursor.fetchone()[0])
    client, name = redis_client.connection(), key("installation")
    if client.set(name, identity, nx=True, ex=CLAIM_SECONDS):
        return
    holder = cast("bytes | None", client.get(name))
    if holder is not None and holder.decode() != identity:
        raise UnsuitableServer(
            f"Another installation (database {holder.decode()}, ours is {identity}) uses the prefix "
            f"{key()!r} on this Redis server: set REDIS_PREFIX to a name that is ours alone, or, if that "
            f"installation is no more, delete the key {name}."
        )
    client.expire(name, CLAIM_SECONDS)


def problems() -> list[str]:
    """Everything that is wrong with the server, for people. Raises redis.RedisError where it does not answer."""
    return problems_of(redis_client.connection().info())


def problems_of(info: Mapping[str, Any]) -> list[str]:
    reason = unsupported(info)
    return [reason] if reason else list(losses(info))
