"""Which version of a day was known when: version 1, and later ones from the market time that their source gives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from marketdata.calendar import TradingDay
from marketdata.models import DayVersion, Scope


@dataclass(slots=True)
class Known:
    """One symbol's day as known: the version at its open, and those that came during it, (when, row) in order."""

    at_open: int | None = None
    during: list[tuple[dt.datetime, int]] = field(default_factory=list)


def known_versions(
    dataset_id: int, day: TradingDay, symbols: Sequence[str], scope: str = Scope.REGULAR
) -> dict[str, Known]:
    """Symbol → what was known of its minutes, for the symbols that have any."""
    rows = DayVersion.objects.minutes().filter(
        dataset_id=dataset_id, date=day.date, scope=scope, instrument__symbol__in=symbols
    )
    opens = day.open if scope == Scope.REGULAR else day.begin
    found: dict[str, Known] = {}
    for symbol, row, version, known_at in rows.order_by("version").values_list(
        "instrument__symbol", "id", "version", "known_at"
    ):
        known = found.setdefault(symbol, Known())
        if version == 1 or (known_at is not None and known_at <= opens):
            known.at_open = row
        elif known_at is not None and known_at < day.close:
            known.during.append((known_at, row))
    for known in found.values():
        known.during.sort()
    return {symbol: known for symbol, known in found.items() if known.at_open is not None}
