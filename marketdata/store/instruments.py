"""Instruments by their symbols, whose case counts: BACpB is not BACPB."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models.functions import Upper

from marketdata.errors import MarketDataError
from marketdata.exchange_calendar import NEW_YORK_STOCKS, calendar_of
from marketdata.models import Instrument
from marketdata.symbols import is_symbol


def ensure_instruments(symbols: Iterable[str], exchange: str = NEW_YORK_STOCKS) -> dict[str, int]:
    """Symbol → id, unknown ones created, with this calendar."""
    asked = sorted(set(symbols))
    known = dict(Instrument.objects.filter(symbol__in=asked).values_list("symbol", "id"))
    missing = [symbol for symbol in asked if symbol not in known]
    if missing:
        Instrument.objects.bulk_create(
            [Instrument(symbol=symbol, calendar=exchange) for symbol in missing], ignore_conflicts=True
        )
        known |= dict(Instrument.objects.filter(symbol__in=missing).values_list("symbol", "id"))
    return known


class DifferentCalendars(MarketDataError):
    """Symbols that share no calendar."""


def exchange_of(symbols: Iterable[str], asked: str = "") -> str:
    """The symbols' one calendar; of unknown ones the one asked for, else New York's. Raises DifferentCalendars."""
    names = list(symbols)
    known = dict(Instrument.objects.filter(symbol__in=names).values_list("symbol", "calendar"))
    calendars: dict[str, str] = {name: known.get(name, asked or NEW_YORK_STOCKS) for name in names}
    kinds = sorted({*calendars.values(), *([asked] if asked else [])})
    if len(kinds) > 1:
        parts = (
            f"{kind}: {', '.join(n for n, of in calendars.items() if of == kind) or 'asked for'}" for kind in kinds
        )
        raise DifferentCalendars(
            f"The symbols have different calendars ({'; '.join(parts)}): take those of one calendar at a time, "
            "or correct an instrument's calendar in the admin."
        )
    return require_exchange(kinds[0] if kinds else NEW_YORK_STOCKS)


def require_exchange(exchange: str) -> str:
    """The calendar's name. Raises UnknownExchange where there is no such."""
    return exchange if calendar_of(exchange).days else ""


def spelled(names: Iterable[str]) -> list[str]:
    """The names as the store spells the symbols that they mean, each once, in their order and without blanks around.

    A symbol means itself. Any other name means the one symbol that differs from it in case alone; where there is none,
    or more than one, a name in small letters throughout means the capitals, and any other means itself.
    """
    clean = _clean(names)
    capitals = {name.upper() for name in clean if is_symbol(name)}  # no other is in the store
    alike = Instrument.objects.annotate(capitals=Upper("symbol")).filter(capitals__in=capitals)
    return spelled_as(clean, alike.values_list("symbol", flat=True))


def spelled_as(names: Iterable[str], symbols: Iterable[str]) -> list[str]:
    """Likewise, of these symbols instead of the store's."""
    capitals: defaultdict[str, list[str]] = defaultdict(list)
    for symbol in symbols:
        capitals[symbol.upper()].append(symbol)
    return list(dict.fromkeys(_spelled(name, capitals.get(name.upper(), ())) for name in _clean(names)))


def _clean(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in names if name.strip()))


def _spelled(name: str, alike: Sequence[str]) -> str:
    if name in alike:
        return name
    if len(alike) == 1:
        return alike[0]
    return name.upper() if name.islower() else name
