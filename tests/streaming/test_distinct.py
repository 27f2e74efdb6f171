"""Different keys, their first places and everybody's number, as numpy's own function gives them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streaming.engine.frames.distinct import distinct


@given(st.lists(st.integers(0, 9) | st.integers(0, 2**63 - 1)))
def test_they_are_numpys(keys: list[int]) -> None:
    given_keys = np.array(keys, np.int64)
    _, first, numbers = np.unique(given_keys, return_index=True, return_inverse=True)
    found = distinct(given_keys)
    assert found[0].tolist() == first.tolist() and found[1].tolist() == numbers.tolist()
