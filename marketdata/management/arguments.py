"""Types of arguments that commands share: each raises ArgumentTypeError, naming the value and what would be right."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentTypeError


def day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a date: write it as 2024-11-18") from None
