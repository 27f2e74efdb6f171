"""What is known of a vendor's files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from marketdata.importing.base.heads import Head
from marketdata.importing.base.sheets import Sheet


@dataclass(frozen=True, slots=True)
class Dialect:
    """`words`: folded names that are all in the head. `matches`: what identifies it besides; both have to hold.

    `kind`: bars, ticks or quotes; empty where the columns say it. `header`: names of the columns of files without a
    head line. `columns`: ours → the file's folded name, before the common spellings. `zone`: of stamps that carry none,
    where the vendor has one for all files; `zone_hint`: said where it has not. `label`: start or end, where the vendor
    has one; `label_unsure`: whether other vendors' files look the same and have the other. `prepare`: makes of the rows
    as they stand what the common reading understands; it gets the kind that is read.
    """

    name: str
    words: frozenset[str] = frozenset()
    matches: Callable[[Head], bool] | None = None
    kind: str = ""
    header: Callable[[Head], tuple[str, ...]] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    zone: str = ""
    zone_hint: str = ""
    label: str = ""
    label_unsure: bool = False
    date_order: str = ""
    scale: float = 1.0
    prepare: Callable[[Sheet, Path, str], Sheet] | None = None
    sign: str = ""
    """What identifies it, in words."""

    def fits(self, head: Head) -> bool:
        if not self.words and self.matches is None:
            return False
        return self.words <= head.folded and (self.matches is None or self.matches(head))


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())
