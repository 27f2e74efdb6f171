"""`manage.py import_data PATH...`: bars, trades and quotes of a folder into the store, each file as what it holds."""

from __future__ import annotations

from marketdata.kinds import TICK_KINDS, DayKind
from marketdata.management.commands import import_bars


class Command(import_bars.Command):
    help = "Import bars, trades and quotes from files or folders of them: each file is imported as what it holds."
    examples = ("import_data ~/data/ --dataset mine", "import_data ~/data/ --dry-run")
    kinds = (DayKind.BARS, *TICK_KINDS)
