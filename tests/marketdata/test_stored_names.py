"""One security has one symbol in the store, however files spell it."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from marketdata.models import DayVersion, Instrument

pytestmark = pytest.mark.django_db
HEAD = "timestamp,open,high,low,close,volume"


def row(minute: int = 30) -> str:
    return f"2025-07-02T13:{minute}:00Z,10,11,9,10,5"


def imported(*paths: Path) -> list[str]:
    """The lines that say of what was imported that it is stored under another name."""
    out = StringIO()
    call_command("import_bars", *map(str, paths), dataset="feed", stdout=out)
    return [line.strip() for line in out.getvalue().splitlines() if "is stored as" in line]


def names() -> list[str]:
    assert set(DayVersion.objects.values_list("instrument__symbol", flat=True)) == set(
        Instrument.objects.values_list("symbol", flat=True)
    )
    return sorted(Instrument.objects.values_list("symbol", flat=True))


@pytest.mark.parametrize(
    ("stored", "other"), [("BRK.B", "BRK-B"), ("AAPL", "Aapl"), ("ABCD", "abCD"), ("BACpB", "BAC-PB")]
)
def test_a_symbol_that_is_spelled_otherwise_is_the_stored_one(tmp_path: Path, stored: str, other: str) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    first, second = tmp_path / "one" / "a.csv", tmp_path / "two" / "b.csv"
    first.write_text(f"symbol,{HEAD}\n{stored},{row(30)}\n")
    second.write_text(f"symbol,{HEAD}\n{other},{row(31)}\n")
    imported(first)
    assert imported(second) == [f"{other} is stored as {stored}, as the security is called already"]
    assert names() == [stored]
    assert DayVersion.objects.get(current=True).row_count == 2


def test_two_files_of_one_run_are_one_security_too(tmp_path: Path) -> None:
    for name, minute in (("abCD", 30), ("ABCD", 31)):
        (tmp_path / f"{name}.csv").write_text(f"symbol,{HEAD}\n{name},{row(minute)}\n")
    assert len(imported(tmp_path)) == 1, "said"
    assert len(names()) == 1


def test_two_names_of_one_security_in_one_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "both.csv"
    path.write_text(f"symbol,{HEAD}\nBRK.B,{row(30)}\nBRK-B,{row(31)}\n")
    with pytest.raises(CommandError, match=r"BRK-B and BRK\.B are two names of one security"):
        imported(path)
    assert not Instrument.objects.exists()


def test_what_only_looks_alike_stays_apart(tmp_path: Path) -> None:
    for name in ("AMpB", "AMPB"):
        (tmp_path / f"{name}.csv").write_text(f"symbol,{HEAD}\n{name},{row()}\n")
    assert imported(tmp_path) == []
    assert names() == ["AMPB", "AMpB"]
