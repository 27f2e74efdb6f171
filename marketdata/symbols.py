"""How a US security's symbol is written: each vendor's spellings of classes, preferreds, warrants, units and rights."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from marketdata.errors import BadSymbol

SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-^/=_+*!#$]{0,23}")
SYMBOL_FORM = "one to twenty-four letters, digits or . - ^ / = _ + * ! # $"
ROOT = r"(?P<root>[A-Z][A-Z0-9]{0,7})"
SPELLINGS: tuple[tuple[str, str], ...] = (
    # preferreds: BACpB, BACp, BAC-PB, BAC.PRB, BAC/PRB, BAC PRB, BAC PR B, BAC-P-B, BAC.PR.B
    (rf"{ROOT}p(?P<series>[A-Z]?)", "{root}.PR{series}"),
    (rf"{ROOT}[.\-/ ]PR[.\-/ ]?(?P<series>[A-Z]?)", "{root}.PR{series}"),
    (rf"{ROOT}[.\-/ ]P[.\-/ ]?(?P<series>[A-Z])", "{root}.PR{series}"),
    # warrants: ABC.WS, ABC.WS.A, ABC/WS, ABC WS, ABC-WT, ABC+
    (rf"{ROOT}[.\-/ ](?:WS|WT)[.\-/ ]?(?P<series>[A-Z]?)", "{root}.WS{series}"),
    (rf"{ROOT}\+(?P<series>[A-Z]?)", "{root}.WS{series}"),
    # units: ABC.U, ABC/U, ABC-UN, ABC=
    (rf"{ROOT}[.\-/ ]UN?(?P<series>)", "{root}.U"),
    (rf"{ROOT}=(?P<series>)", "{root}.U"),
    # rights: ABC.RT, ABC/RT, ABC-RT, ABCr, ABC^
    (rf"{ROOT}(?:[.\-/ ]RT|r|\^)(?P<series>[A-Z]?)", "{root}.RT{series}"),
    # when issued: ABC.WI, ABC-WI, ABCw
    (rf"{ROOT}(?:[.\-/ ]WI|w)(?P<series>)", "{root}.WI"),
    # classes: BRK.B, BRK-B, BRK/B, BRK B, BRK_B
    (rf"{ROOT}[.\-/ _](?P<series>[A-Z])", "{root}.{series}"),
)
"""What a symbol may look like, and the one name under which its spellings meet: the first that fits holds."""
PATTERNS = tuple((re.compile(pattern), name) for pattern, name in SPELLINGS)


@lru_cache(maxsize=65_536)
def symbol_key(symbol: str) -> str:
    """The one name under which all spellings of a security meet: BRK-B and BRK/B are BRK.B, BACpB is BAC.PRB.

    Of a symbol that has one spelling only, itself. Case is kept: AMpB is not AMPB.
    """
    for pattern, name in PATTERNS:
        if match := pattern.fullmatch(symbol):
            return name.format(**match.groupdict())
    return symbol


def caseless_key(symbol: str) -> str:
    """Likewise of those that differ in case alone, too: Aapl is AAPL; AMpB, which is AM.PRB, is not AMPB."""
    return symbol_key(symbol).upper()


@lru_cache(maxsize=65_536)
def clean_symbol(text: str) -> str:
    """A symbol as a file or a person wrote it, as it is kept: without blanks around and within.

    One written in small letters throughout means the capitals; mixed case is kept, as BACpB says something.
    """
    symbol = text.strip()
    if symbol.islower():
        symbol = symbol.upper()
    return symbol_key(symbol) if " " in symbol else symbol


def is_symbol(text: str) -> bool:
    return bool(SYMBOL.fullmatch(text))


def require_symbols(names: Iterable[str]) -> None:
    """Raises BadSymbol, which names the first that can be none."""
    for name in names:
        if not is_symbol(name):
            raise BadSymbol(f"{name!r} is not a symbol: {SYMBOL_FORM}.")
