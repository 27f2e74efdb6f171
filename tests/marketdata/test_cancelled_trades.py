"""Trades that a column says were cancelled or corrected."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketdata.columns.tick_columns import CORRECTED
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.tables.bar_reading import read
from marketdata.importing.tables.tick_reading import read_ticks
from marketdata.kinds import DayKind

WORDS = ["cancelled", "CANCEL", "busted", "C", "corrected", "1", "7", "12"]


def flags(path: Path, column: str, words: list[str]) -> list[bool]:
    rows = [f"2025-07-02T13:30:{second:02}Z,50.{second:02},100,{word}" for second, word in enumerate(words)]
    path.write_text("\n".join([f"timestamp,price,size,{column}", *rows]) + "\n")
    table = read_ticks(path, FileForm(), DayKind.TRADES)
    return [bool(flag & CORRECTED) for flag in table.rows.flags]


@pytest.mark.parametrize("word", WORDS)
def test_a_word_in_the_column_of_corrections_flags_the_trade(tmp_path: Path, word: str) -> None:
    assert flags(tmp_path / "AAPL.csv", "correction", ["", word, ""]) == [False, True, False]


@pytest.mark.parametrize("word", ["", "0", "00", "0.0", "none", "N", "original", "regular"])
def test_a_word_that_says_that_a_trade_stands_flags_nothing(tmp_path: Path, word: str) -> None:
    assert flags(tmp_path / "AAPL.csv", "correction", [word, "1", word]) == [False, True, False]


@pytest.mark.parametrize("column", ["trade_type", "type", "status", "action"])
@pytest.mark.parametrize("word", ["CANCEL", "cancelled", "busted"])
def test_cancelled_trades_in_another_column_are_flagged(tmp_path: Path, column: str, word: str) -> None:
    assert flags(tmp_path / "AAPL.csv", column, ["TRADE", word, "TRADE"]) == [False, True, False]


def test_symbols_of_two_cases_in_a_wide_file_are_refused_with_words(tmp_path: Path) -> None:
    fields = ("open", "high", "low", "close")
    head = ",".join(f"{symbol}_{field}" for symbol in ("aapl", "AAPL") for field in fields)
    path = tmp_path / "wide.csv"
    path.write_text(f"timestamp,{head}\n2025-07-02T13:30:00Z,1,1,1,1,2,2,2,2\n")
    with pytest.raises(UnreadableFile, match="more than once: say which with --columns"):
        read(path, FileForm())
    form = FileForm(symbol="AAPL", columns={field: f"AAPL_{field}" for field in fields})
    assert read(path, form).values[0].tolist() == [2]


def test_the_latest_price_is_the_close(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    path.write_text("Time,Open,High,Low,Latest,Volume\n2025-07-02T13:30:00Z,50,51,49,50.5,10\n")
    assert read(path, FileForm()).decision.columns["close"] == "Latest"
