"""What an import did can be listed, and taken back; days that no session needs can be deleted."""

from __future__ import annotations

import datetime as dt
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from marketdata.kinds import outside
from marketdata.models import (
    Bar,
    Dataset,
    DayChunk,
    DayVersion,
    Import,
    ImportedDay,
    Instrument,
    QuarantinedRow,
    Trade,
)
from marketdata.store import NewDay, load_rows, write_days
from sessions.models import Pin, Session, State
from tests.marketdata.test_import_clashes import OPEN, bars, run, trades

pytestmark = pytest.mark.django_db
DAY = dt.date(2025, 7, 2)


def command(name: str, *arguments: Any) -> list[dict[str, Any]]:
    out = StringIO()
    call_command(name, *map(str, arguments), "--json", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def imported(path: Path) -> int:
    (report,), failed = run(path, command="import_data", dataset="mine")
    assert failed == ""
    return int(report["import"])


def closes() -> list[float]:
    return list(Bar.objects.order_by("start").values_list("close", flat=True))


def pin(number: int) -> int:
    """A session that plays the import's first day."""
    day = ImportedDay.objects.filter(of=number, day__isnull=False).first()
    assert day and day.day
    window = {"start_date": DAY, "end_date": DAY}
    session = Session.objects.create(dataset=day.day.dataset, state=State.COMPLETED, **window)
    fields = {"date": day.day.date, "kind": "bars", "instrument": day.day.instrument, "day": day.day}
    Pin.objects.create(session=session, **fields)
    return int(session.pk)


def test_an_import_is_listed_with_what_it_did_to_each_day(tmp_path: Path) -> None:
    first = imported(bars(tmp_path / "AAPL.csv", 100, range(3)))
    text = bars(tmp_path / "AAPL.csv", 100, range(1, 5)).read_text()
    broken = text.replace("100,101,99,100,101\n", "100,102,99,100,101\n") + "1751463600,1,0,1,1,1\n"
    second = imported_text(tmp_path / "AAPL.csv", broken)
    assert [(row["import"], row["inserted"], row["rejected"]) for row in command("list_imports")] == [
        (str(second), 2, 1),
        (str(first), 3, 0),
    ]
    (day, rejected) = command("list_imports", second)
    assert (day["symbol"], day["date"], day["kind"]) == ("AAPL", "2025-07-02", "bars")
    assert [day[name] for name in ("inserted", "unchanged", "revised", "outside")] == [2, 1, 1, 0]
    assert (rejected["date"], rejected["rejected"]) == ("2025-07-02", 1)
    assert [row["import"] for row in command("list_imports", "--dataset", "other")] == []


def imported_text(path: Path, text: str) -> int:
    path.write_text(text)
    return imported(path)


def test_undo_brings_back_what_was_current_before(tmp_path: Path) -> None:
    imported(bars(tmp_path / "AAPL.csv", 100))
    before = DayVersion.objects.get(current=True)
    wrong = imported(bars(tmp_path / "AAPL.csv", 200))
    assert closes() == [200, 200, 200]
    (undone,) = command("undo_import", wrong)
    assert (undone["restored"], undone["removed"], undone["kept"]) == (1, 0, [])
    assert closes() == [100, 100, 100] and DayVersion.objects.get() == before
    assert DayChunk.objects.count() == 1 and Import.objects.get(pk=wrong).state == "undone"
    with pytest.raises(CommandError, match=f"Import {wrong} is undone already"):
        command("undo_import", wrong)
    again = imported(bars(tmp_path / "AAPL.csv", 300))
    assert DayVersion.objects.get(current=True).version == 2 and again > wrong


def test_undo_of_the_first_import_leaves_nothing_behind(tmp_path: Path) -> None:
    path = bars(tmp_path / "AAPL.csv", 100)
    number = imported_text(path, path.read_text() + "1751463600,1,0,1,1,1\n")
    assert QuarantinedRow.objects.count() == 1
    (undone,) = command("undo_import", number, "--dry-run")
    assert (undone["removed"], undone["dry_run"], DayVersion.objects.count()) == (1, True, 1)
    command("undo_import", number)
    for model in (Dataset, Instrument, DayVersion, DayChunk, QuarantinedRow):
        assert not model.objects.exists(), model
    assert command("list_imports")[0]["state"] == "undone"


def test_an_instrument_that_was_there_before_stays(tmp_path: Path) -> None:
    Instrument.objects.create(symbol="AAPL", name="Apple")
    command("undo_import", imported(bars(tmp_path / "AAPL.csv", 100)))
    assert Instrument.objects.get().name == "Apple"


def test_several_files_of_a_day_are_undone_as_one(tmp_path: Path) -> None:
    imported(bars(tmp_path / "old" / "AAPL.csv", 100))
    bars(tmp_path / "new" / "AAPL_1.csv", 200, range(1))
    bars(tmp_path / "new" / "AAPL_2.csv", 200, range(1, 3))
    number = imported(tmp_path / "new")
    assert ImportedDay.objects.filter(of=number).count() == 2 and closes() == [200, 200, 200]
    (undone,) = command("undo_import", number)
    assert undone["restored"] == 1 and closes() == [100, 100, 100]


def test_trades_are_undone_like_bars(tmp_path: Path) -> None:
    imported(bars(tmp_path / "AAPL.csv", 100))
    command("undo_import", imported(trades(tmp_path / "x_a.csv", 100, range(5))))
    assert not Trade.objects.exists() and closes() == [100, 100, 100]


def test_a_later_import_on_top_stands_in_the_way(tmp_path: Path) -> None:
    first = imported(bars(tmp_path / "AAPL.csv", 100))
    bars(tmp_path / "two" / "AAPL.csv", 200)
    second = imported(tmp_path / "two")
    with pytest.raises(CommandError, match=f"import {second} came on top of AAPL 2025-07-02"):
        command("undo_import", first)
    assert closes() == [200, 200, 200]
    command("undo_import", second)
    command("undo_import", first)
    assert closes() == []


def test_what_an_import_made_goes_once_the_last_that_needed_it_is_undone(tmp_path: Path) -> None:
    first = imported(bars(tmp_path / "one" / "AAPL.csv", 100))
    second = imported(bars(tmp_path / "two" / "AAPL.csv", 100, range(1440, 1443)))
    command("undo_import", first)
    assert Dataset.objects.exists() and Instrument.objects.exists()
    command("undo_import", second)
    assert not Dataset.objects.exists() and not Instrument.objects.exists()


def test_a_provider_that_filled_minutes_stands_in_the_way(tmp_path: Path) -> None:
    number = imported(bars(tmp_path / "AAPL.csv", 100))
    day = DayVersion.objects.get()
    (stored,) = load_rows([day.pk])
    rows = stored.bars.take(slice(0, 2))
    write_days(day.dataset_id, [NewDay(day.instrument_id, DAY, rows, origin="provider alpaca")])
    with pytest.raises(CommandError, match="a version from provider alpaca came on top of AAPL 2025-07-02"):
        command("undo_import", number)


def test_what_stands_in_the_way_is_named_with_its_part_of_the_day(tmp_path: Path) -> None:
    path = bars(tmp_path / "AAPL.csv", 100)
    early = path.read_text().splitlines()[1].replace(str(OPEN), str(OPEN - 3600))
    path.write_text(path.read_text() + early + "\n")
    number = imported(path)
    session = pin(number)
    Pin.objects.all().delete()
    for day in DayVersion.objects.all():
        kind = outside("bars") if day.scope == "extended" else "bars"
        Pin.objects.create(session_id=session, date=DAY, kind=kind, instrument=day.instrument, day=day)
    with pytest.raises(CommandError) as refused:
        command("undo_import", number)
    for name in ("AAPL 2025-07-02", "AAPL 2025-07-02 (extended hours)"):
        assert f"{name} is pinned by session {session}" in str(refused.value)


def test_a_day_that_a_session_plays_stands_in_the_way_and_the_others_can_go(tmp_path: Path) -> None:
    bars(tmp_path / "two" / "AAPL.csv", 100)
    bars(tmp_path / "two" / "MSFT.csv", 200)
    number = imported(tmp_path / "two")
    session = pin(number)
    with pytest.raises(CommandError, match=f"AAPL 2025-07-02 is pinned by session {session}"):
        command("undo_import", number)
    way = f"delete_session {session}`, or undo the other days with --where-possible"
    with pytest.raises(CommandError, match=way):
        command("undo_import", number)
    (undone,) = command("undo_import", number, "--where-possible")
    assert (undone["removed"], len(undone["kept"])) == (1, 1)
    assert DayVersion.objects.get().instrument.symbol == "AAPL"
    Pin.objects.all().delete()
    command("undo_import", number)
    assert not DayVersion.objects.exists() and Dataset.objects.exists()  # the session was opened on it


def test_bars_that_were_derived_from_what_is_undone_go_with_it(tmp_path: Path) -> None:
    number = imported(bars(tmp_path / "AAPL.csv", 100))
    day = DayVersion.objects.get()
    (stored,) = load_rows([day.pk])
    write_days(day.dataset_id, [NewDay(day.instrument_id, DAY, stored.bars, interval="5m", made_from_bars=True)])
    command("undo_import", number)
    assert not DayVersion.objects.exists()


def test_a_version_that_was_let_go_cannot_come_back(tmp_path: Path) -> None:
    imported(bars(tmp_path / "AAPL.csv", 100))
    number = imported(bars(tmp_path / "AAPL.csv", 200))
    old = DayVersion.objects.get(current=False)
    old.chunks.all().delete()
    old.delete()
    with pytest.raises(CommandError, match="KEEP_VERSIONS_DAYS"):
        command("undo_import", number)


def test_an_unknown_import_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    number = imported(bars(tmp_path / "AAPL.csv", 100))
    with pytest.raises(CommandError, match=f"There is no import 999999: the newest are {number}"):
        command("undo_import", 999999)


def test_a_rejected_import_leaves_nothing_behind(tmp_path: Path) -> None:
    path = bars(tmp_path / "AAPL.csv", 100)
    path.write_text(path.read_text().replace(",101,99,", ",1,99,"))
    reports, failed = run(path, dataset="mine")
    assert reports == [] and "none of its 3 rows can be imported" in failed
    for model in (Dataset, Instrument, DayVersion, QuarantinedRow, Import):
        assert not model.objects.exists(), model


@pytest.fixture
def two_days(tmp_path: Path) -> None:
    for name, minutes in (("AAPL", range(3)), ("MSFT", range(3)), ("AAPL_b", range(1440, 1443))):
        bars(tmp_path / "two" / f"{name}.csv", 100, minutes)
    imported(tmp_path / "two")


@pytest.mark.usefixtures("two_days")
@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        ((), set()),
        (("--symbol", "aapl"), {("MSFT", 2)}),
        (("--date", "2025-07-02"), {("AAPL", 3)}),
        (("--symbol", "AAPL", "--date", "2025-07-02"), {("AAPL", 3), ("MSFT", 2)}),
        (("--date", "2025-07-02", "--until", "2025-07-03"), set()),
    ],
)
def test_a_dataset_a_symbol_or_a_day_is_deleted(arguments: tuple[str, ...], left: set[tuple[str, int]]) -> None:
    (dry,) = command("delete_data", "--dataset", "mine", *arguments, "--dry-run")
    assert DayVersion.objects.count() == 3 and dry["versions"] == 3 - len(left)
    command("delete_data", "--dataset", "mine", *arguments, "--yes")
    assert {(day.instrument.symbol, day.date.day) for day in DayVersion.objects.all()} == left
    assert Dataset.objects.exists() == bool(arguments)
    assert set(Instrument.objects.values_list("symbol", flat=True)) >= {symbol for symbol, _ in left}


@pytest.mark.usefixtures("two_days")
def test_what_a_session_needs_is_not_deleted() -> None:
    session = pin(Import.objects.get().pk)
    for arguments in ((), ("--symbol", "AAPL"), ("--date", "2025-07-02")):
        with pytest.raises(
            CommandError, match=f"Session {session} pinned days of it: delete it first.*`delete_session {session}`"
        ):
            command("delete_data", "--dataset", "mine", *arguments, "--yes")
    command("delete_data", "--dataset", "mine", "--symbol", "MSFT", "--yes")
    assert DayVersion.objects.count() == 2


@pytest.mark.usefixtures("two_days")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--dataset", "other"), "There is no dataset 'other': there are mine"),
        (("--dataset", "mine", "--symbol", "IBM"), "mine has no days of IBM"),
        (("--dataset", "mine", "--date", "2025-07-07"), "mine has no days of any symbol on 2025-07-07"),
        (("--dataset", "mine", "--until", "2025-07-07"), "--until needs --date"),
        (("--dataset", "mine"), "3 versions would be deleted for good: pass --yes"),
    ],
)
def test_a_wrong_question_is_answered_in_words(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        command("delete_data", *arguments)
    assert DayVersion.objects.count() == 3
