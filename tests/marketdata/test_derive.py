"""Derived bars against an independent, slow implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.columns import BarColumns
from marketdata.derive import derive, derive_many
from marketdata.gaps import Gap, feed_holes, find_gaps
from marketdata.intervals import DAY
from marketdata.ledger import cut, initial_ledger
from marketdata.quality import quality

NAN = float("nan")
cell = st.one_of(st.just(NAN), st.integers(0, 10_000).map(float))


@st.composite
def days(draw: st.DrawFn, session: int = 210) -> BarColumns:
    minutes = sorted(draw(st.sets(st.integers(0, session - 1), max_size=60)))
    n = len(minutes)
    prices = np.array(draw(st.lists(st.integers(100, 999), min_size=4 * n, max_size=4 * n)), float).reshape(4, n)
    rest = [np.array(draw(st.lists(cell, min_size=n, max_size=n)), float) for _ in range(3)]
    return BarColumns(np.array(minutes, np.int64) * 60, *np.sort(prices, axis=0)[[1, 3, 0, 2]], *rest)


def slow(bars: BarColumns, session: int, width: int) -> list[tuple[object, ...]]:
    """Bucket by bucket, bar by bar, with nothing shared with the real one."""
    out: list[tuple[object, ...]] = []
    start = 0
    while start < session:
        end = min(start + width, session)
        rows = [i for i in range(len(bars)) if start <= bars.offset[i] / 60 < end]
        if rows:
            volumes = [bars.volume[i] for i in rows if not math.isnan(bars.volume[i])]
            trades = [bars.trade_count[i] for i in rows if not math.isnan(bars.trade_count[i])]
            weighted = [i for i in rows if bars.volume[i] > 0 and not math.isnan(bars.vwap[i])]
            weight = sum(bars.volume[i] for i in weighted)
            total = sum(bars.volume[i] * bars.vwap[i] for i in weighted)
            out.append(
                (
                    *(start * 60, end * 60, bars.open[rows[0]], max(bars.high[i] for i in rows)),
                    *(min(bars.low[i] for i in rows), bars.close[rows[-1]]),
                    *(sum(volumes) if volumes else NAN, sum(trades) if trades else NAN),
                    *(total / weight if weight else NAN, len(rows), end - start),
                )
            )
        start = end
    return out


sessions = st.sampled_from([210, 390, 255])
widths = st.one_of(st.sampled_from([1, 5, 15, 30, 60, DAY]), st.integers(1, 1440))


@settings(max_examples=200, deadline=None)
@given(sessions.flatmap(lambda minutes: st.tuples(st.just(minutes), days(minutes))), widths)
def test_it_agrees_with_the_slow_one(drawn: tuple[int, BarColumns], width: int) -> None:
    session, bars = drawn
    made = derive(bars, session, width)
    c = made.columns
    columns = [c.offset, made.end_offset, c.open, c.high, c.low, c.close, c.volume, c.trade_count, c.vwap]
    found = [tuple(float(x) for x in row) for row in zip(*columns, made.n_present, made.n_expected, strict=True)]
    expected = [tuple(float(x) for x in row) for row in slow(bars, session, width)]  # type: ignore[arg-type]
    assert np.allclose(np.array(found), np.array(expected), rtol=1e-12, equal_nan=True)


@settings(deadline=None)
@given(days(390), widths)
def test_bars_tile_the_session_and_lose_no_minute(bars: BarColumns, width: int) -> None:
    made = derive(bars, 390, width)
    assert made.n_present.sum() == len(bars)
    assert ((made.n_present >= 1) & (made.n_present <= made.n_expected)).all()
    assert (made.columns.offset % (width * 60) == 0).all() and (made.end_offset <= 390 * 60).all()
    assert len(np.unique(made.columns.offset)) == len(made.columns)


@given(st.lists(days(), min_size=1, max_size=4))
def test_many_instruments_at_once_are_each_as_alone(many: list[BarColumns]) -> None:
    group = np.repeat(np.arange(len(many)), [len(day) for day in many])
    joined = BarColumns(*(np.concatenate([getattr(d, n) for d in many]) for n in BarColumns.__slots__))
    made, of = derive_many(joined, group, 210, 15)
    for i, day in enumerate(many):
        assert made.columns.take(of == i).content_hash() == derive(day, 210, 15).columns.content_hash()


@pytest.mark.parametrize(("session", "width", "count"), [(390, 5, 78), (210, 5, 42), (390, 15, 26), (210, 15, 14)])
def test_counts_of_full_and_half_days(session: int, width: int, count: int) -> None:
    assert len(derive(whole(session), session, width).columns) == count


@pytest.mark.parametrize(("session", "count", "last"), [(390, 7, 30), (210, 4, 30)])
def test_the_last_hour_is_short_and_says_so(session: int, count: int, last: int) -> None:
    made = derive(whole(session), session, 60)
    assert (len(made.columns), made.n_expected[-1], made.end_offset[-1]) == (count, last, session * 60)


def whole(session: int) -> BarColumns:
    ones = np.ones(session)
    return BarColumns(np.arange(session, dtype=np.int64) * 60, *([ones] * 7))


def test_the_ledger_tells_traded_from_absent_and_hides_the_future() -> None:
    ledger = initial_ledger(np.array([0, 120], np.int64), 5)
    assert ledger == "TATAA"
    assert cut(ledger, 2) == "TA..."
    assert find_gaps(ledger, 5) == [Gap(1, 2, "A"), Gap(3, 5, "A")]
    assert find_gaps("TNNFT", 5) == []


def test_quality_counts_what_is_traded_proven_or_filled_and_is_not_known_before_the_first_minute() -> None:
    assert quality("TNFAMH", 6).value == 0.5
    assert quality("TNFAMH", 3).value == 1.0
    assert quality("TNFAMH", 0).value is None


def test_a_minute_absent_everywhere_is_the_feeds_hole() -> None:
    assert feed_holes({"A": "TAATA", "B": "TATAA"}) == [1, 4]
