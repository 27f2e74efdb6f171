"""Answers that say how their prices are adjusted, or that they are only a part."""

from __future__ import annotations

import datetime as dt
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.tables.bar_reading import read
from marketdata.models import Dataset, DayVersion

pytestmark = pytest.mark.django_db
OPEN_MS = 1751463000000
SAYS: dict[str, tuple[dict[str, Any], str]] = {
    "Polygon, adjusted": ({"adjusted": True}, "split"),
    "Polygon, raw": ({"adjusted": False}, "raw"),
    "all": ({"adjustment": "all"}, "all"),
    "a word": ({"adjustment": "split"}, "split"),
    "nothing": ({}, "raw"),
}


def answer(path: Path, day: int = 0, **says: Any) -> Path:
    rows = [
        {"t": OPEN_MS + day * 86_400_000 + 60_000 * minute, "o": 50, "h": 51, "l": 49, "c": 50.5, "v": 10}
        for minute in range(10)
    ]
    path.write_text(json.dumps({"ticker": "AAPL", **says, "results": rows}))
    return path


def imported(path: Path, dataset: str = "mine") -> str:
    out = StringIO()
    call_command("import_bars", str(path), "--dataset", dataset, "--yes", stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("name", SAYS)
def test_a_new_dataset_is_of_the_prices_that_its_answer_has(tmp_path: Path, name: str) -> None:
    says, mode = SAYS[name]
    imported(answer(tmp_path / "AAPL.json", **says))
    assert Dataset.objects.get(name="mine").price_mode == mode


def test_an_answer_adjusted_otherwise_than_its_dataset_is_refused(tmp_path: Path) -> None:
    imported(answer(tmp_path / "first.json", adjusted=False))
    second = answer(tmp_path / "second.json", day=1, adjusted=True)
    with pytest.raises(CommandError, match="--dataset mine-split"):
        imported(second)
    imported(second, "mine-split")
    assert Dataset.objects.get(name="mine-split").price_mode == "split"
    assert DayVersion.objects.current().count() == 2


def test_two_answers_of_one_run_are_compared(tmp_path: Path) -> None:
    answer(tmp_path / "first.json", adjusted=False)
    answer(tmp_path / "second.json", day=1, adjusted=True)
    with pytest.raises(CommandError, match="adjusted"):
        imported(tmp_path)


def test_an_answer_that_is_a_part_says_so(tmp_path: Path) -> None:
    path = answer(tmp_path / "AAPL.json", next_page_token="abc", adjusted=True)
    assert read(path, FileForm()).decision.notes == (
        "prices split: the answer says so",
        "the answer is a part: next_page_token says that more follow",
    )


def csv(path: Path) -> Path:
    at = dt.datetime(2025, 7, 2, 13, 30, tzinfo=dt.UTC)
    rows = [f"{at + dt.timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ},50,51,49,50.5,10" for minute in range(10)]
    path.write_text("\n".join(["time,open,high,low,close,volume", *rows]))
    return path


def test_a_person_says_how_a_files_prices_are_adjusted(tmp_path: Path) -> None:
    call_command("import_bars", str(csv(tmp_path / "AAPL.csv")), dataset="mine", prices="split", verbosity=0)
    assert Dataset.objects.get(name="mine").price_mode == "split"
    with pytest.raises(CommandError, match=r"said to be raw.*dataset mine are adjusted \(split\)"):
        call_command("import_bars", str(csv(tmp_path / "MSFT.csv")), dataset="mine", prices="raw", verbosity=0)


def test_a_person_and_an_answer_that_say_otherwise_are_refused(tmp_path: Path) -> None:
    path = answer(tmp_path / "AAPL.json", adjusted=True)
    with pytest.raises(CommandError, match="says that its prices are split, --prices says raw"):
        call_command("import_bars", str(path), dataset="mine", prices="raw", verbosity=0)
