"""Ledger, gaps and quality: one letter a minute, and what may change it."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.gaps import GAP_LETTERS, feed_holes, find_gaps
from marketdata.ledger import LETTERS, cut, initial_ledger, merge
from marketdata.quality import quality

ledgers = st.text(LETTERS, min_size=1, max_size=390)


def offsets(*minutes: int) -> np.ndarray:
    return np.array(minutes, np.int64) * 60


@pytest.mark.parametrize(
    ("ledger", "found", "after"),
    [
        pytest.param("TAA", (0, 1, 2), "TFF", id="an absent minute with a bar is filled"),
        pytest.param("TAA", (0,), "TNN", id="an absent minute without one is proven"),
        pytest.param("TMM", (1,), "TFN", id="a missing minute is settled the same way"),
        pytest.param("TTF", (), "TTF", id="a bar that is stored stays, whoever lacks it"),
        pytest.param("TN", (1,), "TF", id="a bar outweighs the proof that there was none"),
        pytest.param("THH", (2,), "THF", id="a halt stays a halt unless it traded"),
    ],
)
def test_an_answer_that_proves(ledger: str, found: tuple[int, ...], after: str) -> None:
    assert merge(ledger, offsets(*found), proves=True) == after


def test_the_same_source_again_proves_nothing() -> None:
    assert merge("TAMNFH", offsets(), proves=False) == "TAMNFH"
    assert merge("TAMNFH", offsets(1, 2), proves=False) == "TAMNFH"


@pytest.mark.parametrize("proves", [True, False])
def test_a_failed_or_truncated_refetch_makes_absent_minutes_missing(proves: bool) -> None:
    assert merge("TAMNFH", None, proves=proves) == "TMMNFH"


@given(ledgers, st.data())
def test_merging_the_same_answer_twice_changes_nothing_more(ledger: str, data: st.DataObject) -> None:
    found = offsets(*sorted(data.draw(st.sets(st.integers(0, len(ledger) - 1)))))
    once = merge(ledger, found, proves=True)
    assert merge(once, found, proves=True) == once
    assert len(once) == len(ledger) and not set(once) & {"A", "M"}
    assert all(new == "T" for new, old in zip(once, ledger, strict=True) if old == "T")


@given(st.sets(st.integers(0, 209)))
def test_the_first_ledger_has_a_letter_for_every_minute(minutes: set[int]) -> None:
    ledger = initial_ledger(offsets(*sorted(minutes)), 210)
    assert [i for i, letter in enumerate(ledger) if letter == "T"] == sorted(minutes)
    assert len(ledger) == 210 and set(ledger) <= {"T", "A"}


@given(ledgers, st.integers(0, 390))
def test_gaps_are_exactly_the_open_minutes_that_are_over(ledger: str, visible: int) -> None:
    gaps = find_gaps(ledger, visible)
    payload = {minute: gap.letter for gap in gaps for minute in range(gap.start_minute, gap.end_minute)}
    assert payload == {i: letter for i, letter in enumerate(ledger[:visible]) if letter in "AMH"}
    for one, other in pairwise(gaps):
        assert one.end_minute < other.start_minute or one.letter != other.letter


def test_the_chart_shades_the_letters_of_gaps() -> None:
    script = Path(__file__).resolve().parents[2] / "marketdata" / "static" / "marketdata" / "chart.js"
    assert re.findall(r'const SHADED = "(\w+)"', script.read_text()) == [GAP_LETTERS]


@given(ledgers, st.integers(0, 390))
def test_nothing_after_the_visible_clock_has_a_say(ledger: str, visible: int) -> None:
    visible = min(visible, len(ledger))
    hidden = cut(ledger, visible)
    assert hidden == ledger[:visible] + "." * (len(ledger) - visible)
    assert quality(hidden, visible) == quality(ledger, visible)
    assert find_gaps(hidden, visible) == find_gaps(ledger, visible)


@given(ledgers)
def test_quality_accounts_for_every_expected_minute(ledger: str) -> None:
    seen = quality(ledger, len(ledger))
    parts = (seen.traded, seen.proven, seen.filled, seen.absent, seen.missing, seen.halted)
    assert sum(parts) == seen.expected == len(ledger)
    assert seen.value is not None and 0 <= seen.value <= 1


def test_a_feed_hole_is_no_quiet_symbol_and_needs_all_of_them() -> None:
    assert feed_holes({"A": "TAMN", "B": "TAMA"}) == [1, 2]
    assert feed_holes({}) == []
