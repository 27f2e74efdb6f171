"""Forms of market data that are not read, each with what to make of it."""

from __future__ import annotations

import re
from pathlib import Path

from marketdata.importing.base.refusals import UnreadableFile

ITCH_START = b"\x00\x0cS"
"""The length and the letter of the first message of a day, a system event."""
ITCH = (
    "Nasdaq's ITCH, every order of the whole market: not read here. Make of it the trades and quotes of the symbols "
    "that you need, or LOBSTER's messages, and import those"
)
FORMS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), advice)
    for pattern, advice in (
        (r"itch[-_]?50(?:\W|$)|-v50\.txt", ITCH),
        (r"\.xlsx?$|\.xlsm$|\.ods$", "a spreadsheet: save its sheet as CSV"),
        (r"\.(?:h5|hdf5?|pkl|pickle|feather|arrow)$", "a frame of pandas: write it with to_parquet() or to_csv()"),
        (r"\.sas7bdat$", "a SAS data set: pandas reads it (read_sas), and writes it with to_parquet()"),
        (r"\.(?:db|sqlite3?|duckdb)$", "a database: export its table as CSV or Parquet"),
        (r"\.(?:rar|7z|tar|tgz|tar\.gz)$", "an archive of another kind: unpack it, or make it a .zip"),
        (r"\.hcc$|\.hst$|\.ncd$|\.nrd$", "a program's own store: export it as text from the program"),
    )
)


def advice_of(path: Path) -> str:
    """What a name says of its form and what to do; empty for names that say nothing of the kind."""
    name = path.name.lower()
    return next((advice for pattern, advice in FORMS if pattern.search(name)), "")


def refuse_itch(path: Path, data: bytes) -> None:
    if data.startswith(ITCH_START):
        raise UnreadableFile(f"{path}: is {ITCH}.")
