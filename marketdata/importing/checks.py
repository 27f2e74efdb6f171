"""What can be said about the settings before an import uses them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks


@checks.register("mappings")
def mappings_are_meant(**kwargs: Any) -> list[checks.CheckMessage]:
    # Commands that check nothing need not wait until pandas is imported.
    from marketdata.importing.mappings import wrong

    return [
        checks.Error(message, hint="See README.md, Bring your own data.", id="marketdata.E010")
        for name, options in settings.MARKETDATA_MAPPINGS.items()
        for message in wrong(name, options)
    ]
