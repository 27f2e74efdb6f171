"""AAPL's days around its split of 2014-06-09, of the sample, and actions on that date."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from django.core.management import call_command

BEFORE, EX = dt.date(2014, 6, 6), dt.date(2014, 6, 9)
ACTIONS = "symbol,ex_date,kind,value\nAAPL,2014-06-09,split,7:1\n"


def import_days(sample: Path) -> Path:
    """Their folder."""
    folder = sample / "bars" / "lean"
    call_command("import_bars", *map(str, sorted(folder.glob("AAPL_*"))), dataset="lean", verbosity=0)
    return folder


def import_actions(folder: Path, text: str = ACTIONS) -> None:
    path = folder / "actions.csv"
    path.write_text(text)
    call_command("import_actions", str(path), verbosity=0)
