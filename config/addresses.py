"""What the settings make of DATABASE_URL and REDIS_URL. Pure: asks no server."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

REDIS_SCHEMES = ("redis", "rediss", "unix")
PREFIX = re.compile(r"[A-Za-z0-9._-]{1,64}")
KNOWN = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
BOUNDED_WAITS = {
    "connect_timeout": "3",
    "tcp_user_timeout": "5000",
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "options": "-c idle_in_transaction_session_timeout=15s",
}
"""Seconds, the second in milliseconds: a server whose packets are dropped must not hold a request for minutes, nor a
process that was frozen in the midst of a transaction the rows that it has locked.
"""


def database(url: str, pool: int) -> dict[str, object]:
    """A libpq URL as Django's settings; replay workers run many threads, hence the pool."""
    given = _parts(url)
    settings: dict[str, object] = {KNOWN[key]: given.pop(key) for key in list(given) if key in KNOWN}
    options = {**BOUNDED_WAITS, **given, "pool": {"min_size": 0, "max_size": pool, "timeout": 5}}
    # A pooled connection may be one that a restart of the server has ended: each is looked at before it is given out.
    checked = {"CONN_HEALTH_CHECKS": True}
    return {"ENGINE": "django.db.backends.postgresql", **settings, **checked, "OPTIONS": options}


def redis_url(url: str) -> str:
    """The URL. Raises ImproperlyConfigured where it names no single server."""
    scheme = urlsplit(url).scheme
    if scheme not in REDIS_SCHEMES:  # the rest may hold a password
        raise ImproperlyConfigured(
            f"REDIS_URL begins with {scheme}://: write redis://, rediss:// or unix:// and the address of one server. "
            "Sentinel and Cluster are not supported."
        )
    return url


def redis_prefix(prefix: str) -> str:
    """The prefix. Raises ImproperlyConfigured where it has a character that means something in a pattern of keys."""
    if not PREFIX.fullmatch(prefix):
        raise ImproperlyConfigured(
            f"REDIS_PREFIX is {prefix!r}: write up to 64 letters, digits, dots, dashes and underscores, "
            "e.g. tapedeck-2."
        )
    return prefix


def derived_prefix(database_url: str) -> str:
    """Another one for each database."""
    parts = _parts(database_url)
    place = " ".join(parts.get(name, "") for name in ("host", "hostaddr", "port", "dbname"))
    return f"tapedeck-{hashlib.sha256(place.encode()).hexdigest()[:8]}"


def _parts(url: str) -> dict[str, str]:
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError as error:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {error}") from None
    return {key: str(value) for key, value in parts.items() if value is not None}
