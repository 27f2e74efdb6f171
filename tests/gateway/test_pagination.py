from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.data.page_tokens import Place, Rows, Span, page
from gateway.wire.wire_errors import GatewayError

Tape = dict[str, list[int]]
tapes = st.dictionaries(
    st.sampled_from(["AAPL", "BRK.B", "MSFT", "ZZZ"]), st.lists(st.integers(1, 12), max_size=9).map(sorted), max_size=4
)


def reader_of(tape: Tape):
    """Rows numbered in source order, so that ties can be distinguished."""

    def read(symbol: str, span: Span) -> Rows:
        rows = [(ns, {"i": i}) for i, ns in enumerate(tape.get(symbol, [])) if span.start <= ns <= span.end]
        rows = (rows[::-1] if span.descending else rows)[: span.most]
        return Rows([ns for ns, _ in rows], [row for _, row in rows])

    return read


@given(tapes, st.integers(1, 7), st.booleans(), st.integers(1, 6), st.integers(6, 12))
def test_pages_put_together_are_the_whole_in_order_and_without_doubles(
    tape: Tape, limit: int, descending: bool, start: int, end: int
) -> None:
    symbols, span = ["AAPL", "BRK.B", "MSFT", "NONE", "ZZZ"], Span(start, end, descending, limit)
    got: list[tuple[str, int]] = []
    token: str | None = None
    while True:
        found, token = page(symbols, span, token, reader_of(tape))
        rows = [(symbol, row["i"]) for symbol in found for row in found[symbol]]
        assert all(found.values()), "a symbol without rows on a page is absent"
        assert len(rows) <= limit
        got += rows
        if token is None:
            break
        assert len(rows) == limit, "more is to come only after a full page"
    whole = [
        (symbol, row["i"])
        for symbol in symbols
        for row in reader_of(tape)(symbol, Span(start, end, descending, 99)).rows
    ]
    assert got == whole


def test_a_token_is_fit_for_an_address_and_comes_back_as_it_was() -> None:
    place = Place("BRK.B", 1710423000000000456, 3)
    assert place.token().replace("-", "").replace("_", "").isalnum()
    assert Place.parse(place.token()) == place


@pytest.mark.parametrize("token", ["!!not-a-token", "QUFQTA", "QUFQTHx4fDE", "\u00e4"])
def test_a_token_that_is_none_of_ours_is_refused(token: str) -> None:
    with pytest.raises(GatewayError, match="invalid page_token"):
        Place.parse(token)
