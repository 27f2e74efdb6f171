"""Random orders, cancels, replacements and brackets on random days: what holds for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.matching.book import Act
from broker.matching.state import Event, Execution
from broker.matching.terms import OnBars, Terms
from tests.broker.books import MINUTE_NS, OPEN_NS, SECOND_NS
from tests.broker.by_the_pages import Pages
from tests.broker.random_days import DAY_NS, Made, made_days, moments, play, requests

Asked = Sequence[tuple[int, int, Act]]
terms = st.builds(
    Terms,
    on_bars=st.sampled_from(OnBars),
    penetration=st.integers(0, 2),
    latency_ms=st.sampled_from([0, 0, 700]),
    stale_seconds=st.sampled_from([Decimal(5), Decimal(60)]),
    participation=st.sampled_from([Decimal("0.1"), Decimal(1)]),
)
a_run = given(made=made_days(), asked=requests(), rules=terms)
often = settings(max_examples=150, deadline=None)


def executions(events: Sequence[Event]) -> Iterator[tuple[dict[str, Any], Execution]]:
    return ((event.order, event.execution) for event in events if event.execution)


@often
@a_run
def test_cash_and_positions_are_what_the_executions_add_up_to(made: Made, asked: Asked, rules: Terms) -> None:
    events, state = play(made, asked, rules)
    cash, held, filled = Decimal(1_000_000), Decimal(0), defaultdict[str, Decimal](Decimal)
    for order, execution in executions(events):
        signed = execution.qty if order["side"] == "buy" else -execution.qty
        cash, held = cash - signed * execution.price, held + signed
        filled[order["id"]] += execution.qty
        assert execution.qty > 0
        assert execution.position_qty == held
        assert Decimal(order["filled_qty"]) == filled[order["id"]] <= Decimal(order["qty"])
    assert (state.cash, state.position("AAPL").qty) == (cash, held)


@often
@a_run
def test_no_liquidity_is_used_twice(made: Made, asked: Asked, rules: Terms) -> None:
    events, _ = play(made, asked, rules)
    taken = defaultdict[tuple[str, int, str], Decimal](Decimal)
    for order, execution in executions(events):
        source = source_of(made, execution)
        side = order["side"] if source == "quote" else ""
        at = execution.met_at // MINUTE_NS if source == "bar" else execution.met_at
        if source == "bar" and str(execution.basis) == "last_close":
            at -= 1
        taken[source, at, side] += execution.qty
    for (source, at, side), qty in taken.items():
        assert qty <= shown(made, source, at, side, rules), (source, at, side)


def source_of(made: Made, execution: Execution) -> str:
    basis = str(execution.basis)
    if basis in ("quote", "trade"):
        return basis
    if basis == "auction":
        official = {row[3] for row in made.trades or ()} & {"O", "6"}
        return "auction" if official or made.trades or made.quotes else "auction of bars"
    return "bar"


def shown(made: Made, source: str, at: int, side: str, rules: Terms) -> Decimal:
    """How much the tape has there for the account."""
    total = Decimal(0)
    opens = OPEN_NS + (DAY_NS if at * (MINUTE_NS if source == "bar" else 1) >= OPEN_NS + DAY_NS else 0)
    if source == "bar":
        rows = zip(made.bars, made.minutes, strict=True)
        return sum((rules.participation * int(bar[4]) for bar, m in rows if opens // MINUTE_NS + m == at), total)
    if source == "quote":
        size = 4 if side == "buy" else 2
        return sum((Decimal(row[size]) for row in made.quotes or () if opens + row[0] * SECOND_NS == at), total)
    if source == "trade":
        prints = (row for row in made.trades or () if opens + row[0] * SECOND_NS == at)
        return sum((rules.participation * row[2] for row in prints), total)
    return Decimal("Infinity")


@often
@a_run
def test_nothing_is_filled_outside_the_tape_or_before_its_arrival(made: Made, asked: Asked, rules: Terms) -> None:
    events, _ = play(made, asked, rules)
    for order, execution in executions(events):
        sign = 1 if order["side"] == "buy" else -1
        minute = (execution.met_at - OPEN_NS) % DAY_NS // MINUTE_NS
        basis = str(execution.basis)
        limit = order.get("limit_price")
        assert limit is None or sign * execution.price <= sign * Decimal(limit)
        if basis in ("bar_open", "bar_range"):
            opened, high, low, *_ = made.bars[list(made.minutes).index(minute)]
            best, worst = (low, high) if sign > 0 else (high, low)
            assert sign * Decimal(str(best)) <= sign * execution.price
            # A bar that jumps over the limit of a resting order fills it at that limit, the worst price it takes.
            at_limit = limit is not None and execution.price == Decimal(limit)
            assert at_limit or sign * execution.price <= sign * Decimal(str(worst))
            assert basis == "bar_range" or execution.price == Decimal(str(opened))
        if basis in ("quote", "trade"):
            assert sign * execution.met_price <= sign * execution.price
        if basis in ("bar_open", "bar_range", "trade"):
            assert execution.met_at >= order.get("arrival", 0) + (basis == "trade")
            assert made.ledger[minute] != "H"


@often
@given(made=made_days(), asked=requests(), rules=terms, stops=st.lists(moments, max_size=20))
def test_the_steps_in_which_it_is_advanced_change_nothing(
    made: Made, asked: Asked, rules: Terms, stops: list[int]
) -> None:
    once, at_once = play(made, asked, rules)
    often_stopped, by_steps = play(made, asked, rules, stops)
    assert often_stopped == once
    assert by_steps == at_once


@often
@a_run
def test_a_book_made_again_from_what_is_written_down_goes_on_the_same(made: Made, asked: Asked, rules: Terms) -> None:
    events, state = play(made, asked, rules)
    events_again, state_again = play(made, asked, rules, again=True)
    assert events_again == events
    assert state_again.as_payload() == state.as_payload()


@settings(max_examples=400, deadline=None)
@a_run
def test_the_fills_are_those_of_the_rules_own_words(made: Made, asked: Asked, rules: Terms) -> None:
    """Beside a second reading of the rules that shares no code: order, shares, price and basis of each."""
    events, _ = play(made, asked, rules)
    ours = [(order["id"], each.qty, each.price, str(each.basis)) for order, each in executions(events)]
    assert ours == Pages(made, rules).work(asked)
