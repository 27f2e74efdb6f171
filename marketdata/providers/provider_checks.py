"""System checks: a MARKETDATA_PROVIDERS that cannot work is reported at the start, not at the first fetch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string

from marketdata.errors import MarketDataError

PARTS = ("name", "dataset", "label", "authoritative", "fetch_bars")
FORM = 'E.g. {"files": {"BACKEND": "marketdata.providers.files.FilesProvider", "OPTIONS": {"root": "/data/bars"}}}.'


@register("providers")
def check_providers(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    configured = settings.MARKETDATA_PROVIDERS
    if not isinstance(configured, Mapping):
        return [Error("MARKETDATA_PROVIDERS is not a mapping of names to providers.", hint=FORM, id="marketdata.E001")]
    return [problem for name, given in configured.items() for problem in _problems(name, given)]


def _problems(name: str, given: Any) -> Iterator[CheckMessage]:
    from marketdata.providers.base import DatasetSpec  # numpy's import is only for those who check

    where = f"MARKETDATA_PROVIDERS[{name!r}]"
    if not isinstance(given, Mapping) or not isinstance(given.get("BACKEND"), str):
        yield Error(f"{where} has no BACKEND, the dotted path of a provider.", hint=FORM, id="marketdata.E002")
        return
    for key in sorted(set(given) - {"BACKEND", "OPTIONS"}):
        yield Error(f"{where} has {key!r}: it takes BACKEND and OPTIONS.", hint=FORM, id="marketdata.E003")
    try:
        backend = import_string(given["BACKEND"])
    except ImportError as error:
        yield Error(f"{where}: {error}", id="marketdata.E004")
        return
    try:
        provider = backend(name, **given.get("OPTIONS", {}))
    except (TypeError, MarketDataError) as error:
        yield Error(f"{where}: {error}", hint="Look at its OPTIONS.", id="marketdata.E005")
        return
    lacking = [part for part in PARTS if not hasattr(provider, part)]
    if lacking or not isinstance(provider.dataset, DatasetSpec):
        message = f"lacks {', '.join(lacking)}" if lacking else "has a dataset that is no DatasetSpec"
        yield Error(f"{where}: {given['BACKEND']} is no provider: it {message}.", id="marketdata.E006")
