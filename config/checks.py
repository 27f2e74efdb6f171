"""What production needs, checked by `manage.py check --deploy`: each finding says what to set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

LOCAL = ("127.0.0.1", "localhost", "::1")


@register(Tags.security, deploy=True)
def production_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    return list(_findings())


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
