"""What can be said about the settings before anybody uses them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks

from marketdata.importing.mappings import wrong


@checks.register()
def mappings_are_meant(**kwargs: Any) -> list[checks.CheckMessage]:
    return [
        checks.Error(told, hint="See README.md, Bring your own data.", id="marketdata.E010")
        for name, options in settings.MARKETDATA_MAPPINGS.items()
        for told in wrong(name, options)
    ]
