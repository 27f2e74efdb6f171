"""What vendors' files hold beside plain rows: rows of other kinds, -1 for nothing, columns that are none."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import NotBars, UnreadableFile
from marketdata.importing.days import read_file as reading
from marketdata.importing.days.read_file import nothing_usable
from marketdata.importing.days.splitting import split
from marketdata.importing.files.finding import find_files
from marketdata.importing.tables.bar_reading import read
from marketdata.importing.tables.tick_reading import read_ticks
from marketdata.models import Bar

HEAD = "time,open,high,low,close,volume"
AT = "2025-07-02T13:30:00Z"
ROW = f"{AT},50,51,49,50,10"
NEW_YORK = "America/New_York"


def bars(path: Path, text: str, **options: Any) -> Any:
    """Of the only day."""
    path.write_text(text)
    found = split(read(path, FileForm(**options)))
    assert found.rejected == []
    (day,) = found.days
    return day.bars


def zipped(path: Path, member: str, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(path, "w") as archive:
        archive.writestr(member, text)
    return path


LEAN = {
    "shares": ("equity/usa", "34200000,500000,510000,490000,500000,10", {}),
    "crypto, in UTC and unscaled": ("crypto/coinbase", "48600000,50,51,49,50,10", {}),
    "currencies": ("forex/oanda", "48600000,50,51,49,50,10", {}),
    "futures, in a zone of their own": ("future/cme", "30600000,50,51,49,50,10", {"tz": "America/Chicago"}),
}


@pytest.mark.parametrize("name", LEAN)
def test_leans_folders_say_scale_and_zone(tmp_path: Path, name: str) -> None:
    folder, row, options = LEAN[name]
    path = zipped(tmp_path / folder / "minute" / "aapl" / "20250702_trade.zip", "x.csv", row + "\n")
    (day,) = split(read(path, FileForm(**options))).days
    assert (day.symbol, day.bars.offset.tolist(), day.bars.open.tolist()) == ("AAPL", [0], [50.0])


def test_a_zip_of_leans_outside_its_folders_is_known_by_its_member(tmp_path: Path) -> None:
    member = "20250702_aapl_minute_trade.csv"
    path = zipped(tmp_path / "20250702_trade.zip", member, "34200000,500000,510000,490000,500000,10\n")
    (day,) = split(read(path, FileForm())).days
    assert (day.symbol, day.bars.offset.tolist(), day.bars.open.tolist()) == ("AAPL", [0], [50.0])
    path = zipped(tmp_path / "20250702_trade.zip", member, "34200000,50.5,51.5,49.5,50.5,10\n")
    with pytest.raises(UnreadableFile, match="import it from LEAN's folders"):
        read(path, FileForm())


TYPED = {
    "type": ("type", "TRADE", ("BID", "ASK")),
    "AlgoSeek": ("EventType", "TRADE NB", ("QUOTE BID NB", "QUOTE ASK", "TRADE CANCELLED")),
}


@pytest.mark.parametrize("name", TYPED)
def test_quotes_among_trades_are_left_out(tmp_path: Path, name: str) -> None:
    column, trade, others = TYPED[name]
    path = tmp_path / "AAPL.csv"
    path.write_text(f"time,{column},price,size\n" + "".join(f"{AT},{word},50,1\n" for word in (trade, *others)))
    table = read_ticks(path, FileForm(), "ticks")
    assert (len(table.line), table.decision.unused) == (1, ())
    assert f"{len(others)} rows that are no trades" in table.decision.notes[-1]
    path.write_text(f"time,{column},price,size\n" + "".join(f"{AT},{word},50,1\n" for word in others))
    with pytest.raises(UnreadableFile, match="holds no trades: column"):
        read_ticks(path, FileForm(), "ticks")


def test_lists_of_conditions_whose_first_is_absent_are_lists(tmp_path: Path) -> None:
    rows = {"timestamp": pd.to_datetime([AT, AT]), "price": [50.0, 50.0], "conditions": [None, ["@", "I"]]}
    pd.DataFrame({"symbol": "AAPL", "size": 1, **rows}).to_parquet(tmp_path / "x.parquet")
    table = read_ticks(tmp_path / "x.parquet", FileForm(), "ticks")
    assert [table.rows.words[code] for code in table.rows.code("condition")] == ["", "@ I"]


@pytest.mark.parametrize(("real", "volume", "count"), [(10, 10.0, np.nan), (0, np.nan, 88.0)])
def test_metatraders_rates_of_python_have_the_volume_that_is_real(
    tmp_path: Path, real: int, volume: float, count: float
) -> None:
    head = "time,open,high,low,close,tick_volume,spread,real_volume"
    found = bars(tmp_path / "AAPL.csv", f"{head}\n1751463000,50,51,49,50,88,1,{real}\n")
    assert np.array_equal([found.volume[0], found.trade_count[0]], [volume, count], equal_nan=True)


def test_minus_one_of_interactive_brokers_is_nothing(tmp_path: Path) -> None:
    head = ",date,open,high,low,close,volume,average,barCount"
    found = bars(tmp_path / "AAPL.csv", f"{head}\n0,{AT},50,51,49,50,10,50.5,-1\n")
    assert (found.volume.tolist(), found.vwap.tolist(), np.isnan(found.trade_count).all()) == ([10.0], [50.5], True)


@pytest.mark.parametrize("word", ["#N/A", "--", "n.a.", "#VALUE!"])
def test_a_volume_that_is_a_word_for_nothing_is_none(tmp_path: Path, word: str) -> None:
    found = bars(tmp_path / "AAPL.csv", f"{HEAD}\n{ROW[:-2]}{word}\n{ROW.replace('30:00', '31:00')}\n")
    assert np.array_equal(found.volume, [np.nan, 10.0], equal_nan=True)


def test_prices_of_32_bits_are_what_they_were_meant_to_be(tmp_path: Path) -> None:
    prices = {name: np.array([50.03], np.float32) for name in ("open", "high", "low", "close")}
    pd.DataFrame({"time": pd.to_datetime([AT]), **prices}).to_parquet(tmp_path / "AAPL.parquet")
    (day,) = split(read(tmp_path / "AAPL.parquet", FileForm())).days
    assert day.bars.close.tolist() == [50.03]


@pytest.mark.parametrize("last", [0, 1])
def test_a_last_column_that_never_changes_is_no_count_of_trades(tmp_path: Path, last: int) -> None:
    rows = (f"20250702 09{minute}00,50,51,49,50,10,{last}" for minute in (30, 31))
    path = tmp_path / "AAPL.csv"
    path.write_text("\n".join(rows))
    table = read(path, FileForm(tz=NEW_YORK))
    assert np.isnan(table.values[5]).all() and table.decision.unused == ("trade_count",)


ENDINGS = {
    "a comma after every row": f"{HEAD}\n{ROW},\n{ROW.replace('30:00', '31:00')},\n",
    "a comma after the head": f"{HEAD},\n{ROW}\n{ROW.replace('30:00', '31:00')}\n",
}


@pytest.mark.parametrize("name", ENDINGS)
def test_a_comma_at_the_end_of_lines_is_no_column(tmp_path: Path, name: str) -> None:
    assert len(bars(tmp_path / "AAPL.csv", ENDINGS[name])) == 2


def test_a_wide_head_may_be_longer_than_what_is_looked_at_first(tmp_path: Path) -> None:
    names = [f"SYM{number}" for number in range(900)]
    fields = ("Open", "High", "Low", "Close")
    heads = [",".join(["Price", *(f for f in fields for _ in names)]), ",".join(["Ticker", *names * 4])]
    row = ",".join([AT, *(str(price) for price in (50, 51, 49, 50) for _ in names)])
    path = tmp_path / "all.csv"
    path.write_text("\n".join([*heads, "Datetime" + "," * 3600, row]) + "\n")
    assert len(split(read(path, FileForm())).days) == 900


def test_polygons_grouped_bars_have_a_ticker_and_a_time_of_one_letter(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(
        json.dumps({"results": [{"T": "AAPL", "t": 1751463000000, "o": 5, "h": 5, "l": 5, "c": 5, "v": 1}]})
    )
    (day,) = split(read(path, FileForm())).days
    assert (day.symbol, day.bars.offset.tolist()) == ("AAPL", [0])


UNCLEAR = {
    "decimal commas between commas": (f"{HEAD}\n{AT},50,01,51,02,49,03,50,04,10\n", "semicolons between the columns"),
    "thousands between commas": (f"{HEAD}\n{ROW[:-2]}1,234\n", "numbers with commas need quotation marks"),
    "a currency's sign": (f"{HEAD}\n{AT},$50,$51,$49,$50,10\n", "without a currency's sign"),
    "blanks between columns, and within one": (
        f"{HEAD.replace(',', ' ')}\n2025-07-02 13:30:00Z 50 51 49 50 10\n",
        "blanks stand between its columns",
    ),
    "another order": (f"{AT},51,49,50,50,10\n", "its columns may stand in another order"),
    "days": ("Date,Open,High,Low,Close\n2025-07-02,50,51,49,50\n2025-07-03,50,51,49,50\n", "dates without a time"),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_a_refusal_says_what_to_do(tmp_path: Path, name: str) -> None:
    text, message = UNCLEAR[name]
    path = tmp_path / "AAPL.csv"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match=message):
        raise nothing_usable(path, 1, split(read(path, FileForm())).rejected)


@pytest.mark.parametrize("answer", ["[]", '{"ticker": "AAPL", "results": []}'])
def test_an_empty_answer_holds_no_rows(tmp_path: Path, answer: str) -> None:
    path = tmp_path / "AAPL.json"
    path.write_text(answer)
    with pytest.raises(UnreadableFile, match="holds no rows"):
        read(path, FileForm())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "feed"
    path.mkdir()
    (path / "AAPL.csv").write_text(f"{HEAD}\n{ROW}\n")
    return path


def imported(folder: Path) -> dict[str, Any]:
    out = StringIO()
    call_command("import_bars", str(folder), json=True, stdout=out)
    return dict(json.loads(out.getvalue()))


@pytest.mark.django_db
def test_files_of_a_folder_whose_form_is_not_read_are_named(folder: Path) -> None:
    names = ("A.xlsx", "B.feather", "C.7z", "D.csv.lz4", "E.dat", "F")
    for name in (*names, "README.md", ".hidden"):
        (folder / name).write_text("x")
    skipped = imported(folder)["skipped"]
    assert [Path(text.split(": ")[0]).name for text in skipped] == list(names)


@pytest.mark.django_db
def test_a_folder_of_which_nothing_is_imported_is_an_error(folder: Path) -> None:
    (folder / "AAPL.csv").write_text("time,bid,ask\n1,2,3\n")
    with pytest.raises(CommandError, match=r"Nothing was imported: 1 files were skipped; the first: .*holds quotes"):
        imported(folder)


@pytest.mark.django_db
def test_what_goes_wrong_with_one_file_does_not_end_the_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "BAD.csv").write_text(f"{HEAD}\n{ROW}\n")
    real = reading.read

    def read_or_fail(path: Path, *rest: Any) -> Any:
        if path.name == "BAD.csv":
            raise ZeroDivisionError("by nought")
        return real(path, *rest)

    monkeypatch.setattr(reading, "read", read_or_fail)
    with pytest.raises(CommandError, match=r"BAD.csv: cannot be read: ZeroDivisionError: by nought"):
        imported(folder)
    assert Bar.objects.filter(instrument__symbol="AAPL").count() == 1
    assert len(find_files([folder])) == 2


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["import_trades", "import_quotes"])
def test_the_order_of_a_date_can_be_given_for_events_too(tmp_path: Path, command: str) -> None:
    path = tmp_path / "AAPL.csv"
    path.write_text("time,price,size,bid,ask\n07/02/2025 09:30:01,50,1,50,51\n")
    call_command(command, str(path), tz=NEW_YORK, date_order="mdy", verbosity=0)
    with pytest.raises(CommandError, match="pass --date-order mdy or dmy"):
        call_command(command, str(path), tz=NEW_YORK, verbosity=0)


def test_days_are_said_to_be_days_before_a_zone_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    path.write_text("date,open,high,low,close\n07/25/2025,1,1,1,1\n07/28/2025,1,1,1,1\n")
    with pytest.raises(NotBars, match="its stamps are dates without a time"):
        read(path, FileForm())
