"""What the commands that remove say where something stands in the way."""

from __future__ import annotations

from django.core.management.base import CommandError

from marketdata.errors import MarketDataError
from marketdata.removal.deleting import CannotRemove


def refused(error: MarketDataError, partly: str = "") -> CommandError:
    """The refusal with the commands that clear the way. `partly`: the option that does what can be done."""
    ways = []
    if isinstance(error, CannotRemove):
        if error.sessions:
            ways.append(f"delete the sessions with `delete_session {' '.join(map(str, error.sessions))}`")
        if error.partly and partly:
            ways.append(f"undo the other days with {partly}")
    advice = ", or ".join(ways)
    return CommandError(f"{error} {advice[0].upper()}{advice[1:]}." if advice else str(error))
