"""Values of ours in JSON."""

import datetime as dt
from typing import Any


def as_json(value: Any) -> str | list[Any]:
    """`default=` for json: UTC times end in Z, as everywhere on the wire."""
    if isinstance(value, dt.datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)
