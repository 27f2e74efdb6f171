"""Spellings of one security meet under one name, and other securities keep theirs."""

import pytest

from marketdata.symbols import clean_symbol, is_symbol, symbol_key


@pytest.mark.parametrize(
    ("name", "spellings"),
    [
        ("BRK.B", ["BRK.B", "BRK-B", "BRK/B", "BRK B", "BRK_B"]),
        ("BAC.PRB", ["BACpB", "BAC-PB", "BAC.PRB", "BAC PRB", "BAC PR B", "BAC/PRB", "BAC.PR.B", "BAC-P-B"]),
        ("ABC.WS", ["ABC.WS", "ABC/WS", "ABC WS", "ABC-WT", "ABC+"]),
        ("ABC.U", ["ABC.U", "ABC/U", "ABC-UN", "ABC="]),
        ("ABC.RT", ["ABC.RT", "ABCr", "ABC^", "ABC-RT"]),
        ("ABC.WI", ["ABC.WI", "ABCw", "ABC-WI"]),
        ("T.PRC", ["TpC", "T-PC", "T.PRC"]),
    ],
)
def test_spellings_of_one_security_meet_under_one_name(name: str, spellings: list[str]) -> None:
    assert {symbol_key(spelling) for spelling in spellings} == {name}
    assert symbol_key(name) == name


@pytest.mark.parametrize(
    "symbol",
    ["AAPL", "NA", "TRUE", "nan", "AMPB", "BTC-USD", "BTC/USD", "ES=F", "^GSPC", "ZVZZT", "ATEST-AB", "0700.HK"],
)
def test_a_symbol_with_one_spelling_is_its_own_name(symbol: str) -> None:
    assert symbol_key(symbol) == symbol


def test_a_preferred_and_a_common_share_that_differ_only_in_case_stay_two() -> None:
    assert symbol_key("AMpB") == "AM.PRB"
    assert symbol_key("AMPB") == "AMPB"


@pytest.mark.parametrize(
    ("written", "kept"),
    [(" aapl ", "AAPL"), ("BACpB", "BACpB"), ("BRK B", "BRK.B"), ("brk b", "BRK.B"), ("nan", "NAN"), ("NA", "NA")],
)
def test_a_symbol_is_kept_as_it_is_written_but_for_blanks_and_small_letters(written: str, kept: str) -> None:
    assert clean_symbol(written) == kept


@pytest.mark.parametrize(
    ("text", "whether"),
    [("AAPL", True), ("BACpB", True), ("", False), ("A B", False), ("A,B", False), ("A" * 25, False), ("A\0", False)],
)
def test_what_can_be_a_symbol(text: str, whether: bool) -> None:
    assert is_symbol(text) is whether
