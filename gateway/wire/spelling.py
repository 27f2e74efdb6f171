"""Symbols as the broker writes them, BRK.B, and as the session's dataset does, perhaps BRK-B."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q

from marketdata.models import DayVersion, Instrument
from marketdata.symbols import symbol_key as on_wire

__all__ = ["as_stored", "on_wire"]


def as_stored(dataset_id: int, names: Iterable[str]) -> dict[str, str]:
    """The broker's name → the dataset's; itself where the dataset has it so, or not at all."""
    asked = list(names)
    roots = {name.partition(".")[0] for name in asked if "." in name}
    if not roots:  # only names with a dot have other spellings
        return {name: name for name in asked}
    alike = Q(*[("symbol__startswith", root) for root in roots], _connector=Q.OR)
    in_dataset = Exists(DayVersion.objects.filter(instrument=OuterRef("pk"), dataset_id=dataset_id))
    held = list(Instrument.objects.filter(alike, in_dataset).order_by("symbol").values_list("symbol", flat=True))
    spelled = {on_wire(symbol): symbol for symbol in held}
    return {name: name if name in held else spelled.get(name, name) for name in asked}
