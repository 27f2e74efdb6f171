"""Numbers as programs and spreadsheets write them: with a decimal point or comma, with or without thousands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.columns import Floats
from marketdata.importing.base.refusals import Doubt

ABSENT = ("", "nan", "null", "none", "n/a", "n.a.", "na", "-", "--", "\u2014", "<na>", "#n/a", "#value!", "#div/0!")
COMMA_CLEAR = r"\d{1,3}(?:\.\d{3})+,\d+|0,\d+|\d+,(?:\d{1,2}|\d{4,})|\d{4,},\d+"
POINT_CLEAR = r"\d{1,3}(?:,\d{3})+\.\d*|\d{1,3}(?:,\d{3}){2,}|\d+\.(?:\d{1,2}|\d{4,})"
BETWEEN_DIGITS = "(?<=\\d)[\\s'\u00a0\u202f\u2019](?=\\d{3})"


def decimal_mark(columns: Iterable[pd.Series], path: Path) -> str:
    """Point or comma, from columns of prices. Raises Doubt where 1,234 can be read in two ways."""
    texts = [_text(column) for column in columns if not pd.api.types.is_numeric_dtype(column)]
    texts = [text for text in texts if text.str.contains(",", regex=False).any()]
    texts = [text.str.replace(BETWEEN_DIGITS, "", regex=True) for text in texts]
    if not texts:
        return "."
    comma = any(text.str.fullmatch(COMMA_CLEAR).any() for text in texts)
    point = any(text.str.fullmatch(POINT_CLEAR).any() for text in texts)
    if comma != point:
        return "," if comma else "."
    example = next(str(text[text.str.contains(",", regex=False)].iloc[0]) for text in texts)
    raise Doubt(
        f"{path}: {example!r} can be read with a decimal comma or with thousands",
        "pass --decimal , or --decimal .",
        option="decimal",
        choices=(".", ","),
    )


def numbers(raw: pd.Series, mark: str = ".") -> tuple[Floats, np.ndarray]:
    """The column as float64, NaN where there is none, and where it holds words instead of a number."""
    if raw.dtype == np.float32:  # the shortest decimals that its 32 bits mean: 50.03, not 50.02999878
        raw = raw.astype(str).astype(np.float64)
    if pd.api.types.is_numeric_dtype(raw):
        return raw.to_numpy(dtype=np.float64, na_value=np.nan), np.zeros(len(raw), dtype=bool)
    found: Floats = pd.to_numeric(raw, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan).copy()
    unread = np.isnan(found) if mark == "." else np.ones(len(raw), dtype=bool)
    if unread.any():
        text = _text(raw[unread])
        plain = pd.to_numeric(_plain(text, mark), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        found[unread] = plain
        words = np.zeros(len(raw), dtype=bool)
        words[unread] = np.isnan(plain) & ~text.str.lower().isin(ABSENT).to_numpy()
        return found, words
    return found, np.zeros(len(raw), dtype=bool)


def _plain(text: pd.Series, mark: str) -> pd.Series:
    """With a decimal point and no thousands; what groups digits otherwise than by three is no number."""
    thousands = "." if mark == "," else ","
    bare = text.str.replace(BETWEEN_DIGITS, "", regex=True)
    grouped = bare.str.fullmatch(rf"[+-]?\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+(?:{re.escape(mark)}\d+)?")
    bare = bare.where(~grouped, bare.str.replace(thousands, "", regex=False))
    if mark == ",":
        wrong = bare.str.contains(".", regex=False)
        return bare.str.replace(",", ".", regex=False).where(~wrong, "")
    return bare


def _text(column: pd.Series) -> pd.Series:
    text = column.astype(object).where(column.notna(), "").astype(str).astype(object)
    return text.str.strip()
