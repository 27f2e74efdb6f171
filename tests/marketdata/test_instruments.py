"""Symbols as vendors write them: their case counts, and is looked over where that leaves one meaning."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction

from marketdata import store
from marketdata.models import Instrument

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "symbol", ["A", "NA", "BRK.B", "BRK-B", "BACpB", "AMpB", "ABC/WS", "ABC+", "GME*", "^GSPC", "7203"]
)
def test_any_form_that_a_vendor_uses_is_a_symbol(symbol: str) -> None:
    store.ensure_instruments([symbol])
    assert Instrument.objects.get().symbol == symbol


@pytest.mark.parametrize("symbol", ["", " ", "BRK B", "A\n", "A\tB", "\x00", "Ä", "A\x7f", "A" * 33])
def test_blanks_control_characters_and_long_ones_are_none(symbol: str) -> None:
    with pytest.raises((DatabaseError, ValueError), match=r"printable|too long|NUL"), transaction.atomic():
        Instrument.objects.create(symbol=symbol)


def test_symbols_that_differ_in_case_are_two_instruments() -> None:
    ids = store.ensure_instruments(["BACpB", "BACPB"])
    assert len(set(ids.values())) == 2


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["AAPL", " aapl ", "Aapl"], ["AAPL"]),
        (["bacpb", "BACPB"], ["BACpB"]),
        (["AMPB", "AMpB"], ["AMPB", "AMpB"]),
        (["Ampb"], ["Ampb"]),
        (["ampb"], ["AMPB"]),
        (["unknown", "Mixed"], ["UNKNOWN", "Mixed"]),
        (["", " "], []),
    ],
    ids=["case", "mixed case", "both", "ambiguous", "ambiguous in small letters", "unknown", "nothing"],
)
def test_a_name_means_the_one_symbol_that_differs_in_case_alone(given: list[str], meant: list[str]) -> None:
    known = ["AAPL", "BACpB", "AMPB", "AMpB"]
    store.ensure_instruments(known)
    assert store.spelled(given) == store.spelled_as(given, known) == meant
