"""What production needs, checked by `manage.py check --deploy`: each finding says what to set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from redis import RedisError

from sessions import redis_client
from streaming.base import redis_server

LOCAL = ("127.0.0.1", "localhost", "::1")


@register(Tags.security, deploy=True)
def production_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    return list(_findings())


@register(Tags.security, deploy=True)
def redis_settings(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Ask the server what its URL cannot show. It may answer elsewhere only, unless `--database` says that it must."""
    try:
        info: Any = redis_client.connection().info()
    except RedisError as error:
        message = Warning(f"Redis does not answer, so its settings were not looked at: {error}", id="tapedeck.W006")
        return [message] if databases else []
    if reason := redis_server.unsupported(info):
        return [Error(reason, id="tapedeck.E004")]
    return [Warning(loss, id="tapedeck.W005") for loss in redis_server.losses(info)]


def _findings() -> Iterator[CheckMessage]:
    if not settings.PRODUCTION:
        hint = "Set PRODUCTION=1: it turns on the redirect to TLS, secure cookies and HSTS."
        yield Warning("PRODUCTION is off.", hint=hint, id="tapedeck.W001")
    if settings.DEBUG:
        yield Error("DEBUG is on: it shows settings to strangers.", hint="Unset DEBUG.", id="tapedeck.E001")
    if not settings.ALLOWED_HOSTS:
        hint = "Set ALLOWED_HOSTS=tape.example.org, the names that people reach the web under."
        yield Error("ALLOWED_HOSTS is empty: every request would be refused.", hint=hint, id="tapedeck.E002")
    if settings.EMBEDDED_POSTGRES:
        hint = "Set DATABASE_URL=postgresql://user:password@host/name; the embedded one is for one machine."
        yield Warning("DATABASE_URL is not set.", hint=hint, id="tapedeck.W002")
    if settings.EMBEDDED_REDIS:
        hint = "Set REDIS_URL=redis://host/0, a server with appendonly yes and no eviction."
        yield Warning("REDIS_URL is not set.", hint=hint, id="tapedeck.W003")
    yield from _addresses()


def _addresses() -> Iterator[CheckMessage]:
    """What browsers and printed links need."""
    address = urlsplit(settings.TAPEDECK_URL)
    if address.hostname in LOCAL:
        hint = "Set TAPEDECK_URL=https://tape.example.org: commands and events print links that begin with it."
        yield Warning(f"TAPEDECK_URL is {settings.TAPEDECK_URL}.", hint=hint, id="tapedeck.W004")
    for origin in settings.CSRF_TRUSTED_ORIGINS:
        if "://" not in origin:
            hint = f"Write it with its scheme: https://{origin}."
            yield Error(f"CSRF_TRUSTED_ORIGINS has {origin!r}.", hint=hint, id="tapedeck.E003")
