"""Numbers as words have the text that orjson gives them, and rows of words read as their cells end to end."""

from __future__ import annotations

import numpy as np
import orjson
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streaming.reading.byte_words import Words, in_rows, words_of_texts
from streaming.reading.number_words import integer_words, price_words

prices = st.one_of(
    st.integers(0, 10**9).map(lambda ten_thousandths: ten_thousandths / 10_000),
    st.integers(0, 10**17).map(lambda cents: cents / 100),
    st.integers(0, 10**18).map(float),
    st.floats(),
)
SOME = [0.0, 0.0001, 0.5, 1.0, 9.9999, 10.0, 100.25, 9999.9999, 10000.0, 12345.67, 1e8, 99999999.9999]
OTHERS = [-0.0, -3.25, 1e-5, 1e-7, 0.1 + 0.2, 1e15, 1e16, 123456789012.3456, float("nan"), float("inf"), 5e-324]


def text_of(count: int, words: list[Words]) -> list[bytes]:
    return [row.tobytes().translate(None, b"\0") for row in in_rows(count, words)]


def as_json(numbers: NDArray[np.float64] | NDArray[np.int64]) -> list[bytes]:
    return [orjson.dumps(number) for number in numbers.tolist()]


@given(st.lists(st.lists(prices, min_size=3, max_size=3), min_size=1, max_size=5))
@example([SOME])
@example([OTHERS])
@example([SOME, [1.5] * len(SOME)])
@example([OTHERS, [1.5] * len(OTHERS)])
def test_prices_have_the_text_of_their_json(columns: list[list[float]]) -> None:
    table = np.array(columns)
    for column, words in zip(table, price_words(table), strict=True):
        assert text_of(len(column), words) == as_json(column)


@given(st.lists(st.lists(st.integers(-10, 2**63 - 1), min_size=3, max_size=3), min_size=1, max_size=3))
@example([[0, 9, 10, 9_999, 10_000, 10_001, 99_990_000, 10**8, 10**12 + 1, 2**63 - 1]])
@example([[0, 7, 9_999], [0, 0, 10_000]])
def test_whole_numbers_have_the_text_of_their_json(columns: list[list[int]]) -> None:
    table = np.array(columns, np.int64)
    for column, words in zip(table, integer_words(table), strict=True):
        assert text_of(len(column), words) == as_json(column)


def test_prices_are_looked_up_one_column_at_a_time_only_where_they_must() -> None:
    """What it is for: four decimals at most take two words, and a column of others changes nothing of the rest."""
    table = np.array([[190.25, 7.5], [0.1 + 0.2, 1.0]])
    looked_up, other = price_words(table)
    assert [words.ndim for words in looked_up] == [1, 1]
    assert [words.ndim for words in other] == [2]


texts = st.lists(st.text('abc"{}:, 0é', max_size=12).map(str.encode), min_size=4, max_size=4)


@given(st.lists(st.one_of(texts, st.text("xyz:", min_size=1, max_size=20).map(str.encode)), min_size=1, max_size=6))
def test_rows_are_their_cells_end_to_end(cells: list[list[bytes] | bytes]) -> None:
    made = [cell if isinstance(cell, bytes) else words_of_texts(cell) for cell in cells]
    found = [row.tobytes().translate(None, b"\0") for row in in_rows(4, made)]
    assert found == [b"".join(cell if isinstance(cell, bytes) else cell[k] for cell in cells) for k in range(4)]
