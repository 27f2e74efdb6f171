"""What must hold of every account after any run, computed from its rows and the tape without the broker's code."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np

from broker.models import Account, AccountEvent, Order
from marketdata import store
from marketdata.columns import BarColumns, TickColumns
from marketdata.kinds import DayKind
from marketdata.models import Scope
from marketdata.units import MILLISECOND_NS, MINUTE_NS, SECOND_NS
from sessions.models import Session

ZERO = Decimal(0)
DONE = {"filled", "canceled", "expired", "replaced", "rejected"}


def number(value: float) -> Decimal:
    return Decimal(repr(float(value)))


@dataclass(frozen=True)
class Day:
    """One part of a symbol's stored day; stamps in nanoseconds."""

    open_ns: int
    bars: dict[int, tuple[Decimal, ...]]
    """Start → open, high, low, close, volume."""
    trades: TickColumns | None
    quotes: TickColumns | None
    ledger: str


class Tape:
    """What the store has of one dataset."""

    def __init__(self, session: Session) -> None:
        self.calendar, self.dataset_id = session.calendar, session.dataset_id
        self.day = cache(self._day)

    def at(self, symbol: str, stamp_ns: int) -> list[Day]:
        """The parts of the day of an instant, the regular one first."""
        date = self.calendar.session_date_of(dt.datetime.fromtimestamp(stamp_ns // SECOND_NS, dt.UTC))
        return [self.day(symbol, date, scope) for scope in (Scope.REGULAR, Scope.EXTENDED)]

    def _day(self, symbol: str, date: dt.date, scope: str) -> Day:
        opens = int(self.calendar.trading_day(date).open.timestamp()) * SECOND_NS
        kinds = {
            kind: store.find_days(self.dataset_id, kind, date, [symbol], scope=scope).get(symbol) for kind in DayKind
        }
        ticks = {kind: store.load_ticks(row) if (row := kinds[kind]) else None for kind in list(DayKind)[1:]}
        bars = kinds[DayKind.BARS]
        return Day(
            opens,
            _bars(store.load_rows([bars.id])[0].bars, opens) if bars else {},
            ticks[DayKind.TRADES],
            ticks[DayKind.QUOTES],
            bars.ledger if bars and scope == Scope.REGULAR else "",
        )


def _bars(columns: BarColumns, opens: int) -> dict[int, tuple[Decimal, ...]]:
    rows = zip(columns.open, columns.high, columns.low, columns.close, columns.volume, strict=True)
    starts = (opens + columns.offset * SECOND_NS).tolist()
    return {start: tuple(map(number, row)) for start, row in zip(starts, rows, strict=True)}


class Checks:
    """Of one account."""

    def __init__(self, account: Account, tape: Tape) -> None:
        self.account, self.tape = account, tape
        self.events = list(AccountEvent.objects.filter(account=account, voided_in=None).order_by("number"))
        self.fills = [event for event in self.events if event.execution is not None]
        self.terms = account.trading_terms

    def problems(self) -> Iterator[str]:
        checks = (self.numbers, self.sums, self.orders, self.liquidity, self.quotes, self.arrivals, self.prices)
        for check in checks:
            yield from (f"{self.account}: {problem}" for problem in check())

    # --- the account --------------------------------------------------------------------------------

    def numbers(self) -> Iterator[str]:
        """Every event once, every execution once, the seeks' void ones too."""
        if [event.number for event in self.events] != list(range(1, len(self.events) + 1)):
            yield f"its events are numbered {[event.number for event in self.events]}"
        rows = AccountEvent.objects.filter(account=self.account).exclude(execution=None)
        if twice := [each for each, count in Counter(rows.values_list("execution", flat=True)).items() if count > 1]:
            yield f"executions {twice} are there twice"
        if any(one.at_ms > other.at_ms for one, other in zip(self.events, self.events[1:], strict=False)):
            yield "an event goes out before one that was before it"

    def sums(self) -> Iterator[str]:
        """Cash and positions are what the executions and the fees add up to."""
        opening, state = self.account.opening, self.account.state
        cash = Decimal(opening["cash"])
        held = defaultdict[str, Decimal](Decimal)
        for symbol, lots in opening["positions"].items():
            held[symbol] = _held(lots)
        for event in self.fills:
            assert event.qty and event.price is not None
            signed = event.qty if event.order["side"] == "buy" else -event.qty
            cash, held[event.symbol] = cash - signed * event.price, held[event.symbol] + signed
            if event.position_qty != held[event.symbol]:
                yield f"execution of event {event.number} says {event.position_qty}, it is {held[event.symbol]}"
        cash += sum((Decimal(payload[4]) for payload in state["activities"]), ZERO)
        if cash != Decimal(state["cash"]):
            yield f"its cash is {state['cash']}, executions and activities make {cash}"
        shown = {symbol: _held(lots) for symbol, lots in state["positions"].items()}
        if shown != {symbol: qty for symbol, qty in held.items() if qty}:
            yield f"its positions are {shown}, executions make {dict(held)}"

    def orders(self) -> Iterator[str]:
        filled, last = defaultdict[str, Decimal](Decimal), dict[str, AccountEvent]()
        for event in self.events:
            uuid = str(event.order_uuid)
            if uuid in last and last[uuid].order["status"] in DONE:
                yield f"event {event.number} is of an order that is over"
            last[uuid] = event
            filled[uuid] += event.qty or ZERO
            asked = Decimal(event.order["qty"]) if "qty" in event.order else None
            if Decimal(event.order.get("filled_qty", 0)) != filled[uuid] or (
                asked is not None and filled[uuid] > asked
            ):
                yield f"event {event.number}: {filled[uuid]} shares of {asked} are filled, it says {event.order}"
        for row in Order.objects.filter(account=self.account, voided_in=None):
            event = last.get(str(row.uuid))
            if event is not None and (row.status, row.payload["filled_qty"] if filled[str(row.uuid)] else None) != (
                event.order["status"],
                event.order.get("filled_qty"),
            ):
                yield f"order {row.uuid} is {row.status}, its last event says {event.order['status']}"
            if row.is_open == (row.status in DONE):
                yield f"order {row.uuid} is {row.status}, and open: {row.is_open}"

    # --- the tape -----------------------------------------------------------------------------------

    def arrivals(self) -> Iterator[str]:
        """Nothing is filled before its arrival, and nothing that was known before it."""
        for event in self.fills:
            assert event.met_ns is not None
            arrival = event.order["arrival"]
            before = event.at_ms * MILLISECOND_NS < arrival
            met = {"bar_open": event.met_ns < arrival, "trade": event.met_ns <= arrival}.get(event.basis, False)
            if event.basis == "bar_range":
                met = event.met_ns < arrival
            # The official print of a close may come after it.
            if before or met or (event.basis != "auction" and event.met_ns > event.at_ms * MILLISECOND_NS):
                yield f"event {event.number} met {event.met_ns}, arrived {arrival}, went out {event.at_ms}"

    def prices(self) -> Iterator[str]:
        """No price that the tape does not have, and none worse than the limit."""
        for event in self.fills:
            assert event.price is not None and event.met_ns is not None
            sign, limit = 1 if event.order["side"] == "buy" else -1, event.order.get("limit_price")
            if limit is not None and sign * event.price > sign * Decimal(limit):
                yield f"event {event.number} filled at {event.price}, its limit is {limit}"
            parts = self.tape.at(event.symbol, event.met_ns)
            if parts[0].ledger and event.basis in ("bar_open", "bar_range", "last_close"):
                letter = _letter(parts[0], event.met_ns - (event.basis == "last_close"))
                if letter in ("A", "M", "H"):
                    yield f"event {event.number} filled in a minute that the ledger has as {letter}"
            if not any(self._is_there(event, part, sign) for part in parts):
                how = f"{event.qty} at {event.price} by {event.basis}"
                yield f"event {event.number}: {how} is not on the tape: {event.order}"

    def _is_there(self, event: AccountEvent, part: Day, sign: int) -> bool:
        assert event.met_ns is not None and event.price is not None and event.met_price is not None
        price, met, at = event.price, event.met_price, event.met_ns
        if event.basis == "auction":
            return True
        if event.basis == "last_close":
            bar = part.bars.get(at - MINUTE_NS)
            return bar is not None and bar[3] == met and price == met + sign * self.terms.slippage * _tick(met)
        if event.basis in ("bar_open", "bar_range"):
            return (bar := part.bars.get(at)) is not None and self._in_bar(event, bar, sign)
        if event.basis == "trade":
            rows = self._rows(part.trades, part, at, "price")
            return met in rows and sign * met <= sign * price
        return met in self._rows(part.quotes, part, at, "ask" if sign > 0 else "bid") and sign * met <= sign * price

    def _in_bar(self, event: AccountEvent, bar: Sequence[Decimal], sign: int) -> bool:
        opened, high, low, *_ = bar
        assert event.price is not None and event.met_price is not None
        if event.basis == "bar_open":
            return event.price == event.met_price == opened
        slipped = self.terms.slippage * _tick(event.price) if event.order["type"] != "limit" else ZERO
        at_limit = "limit_price" in event.order and event.price == Decimal(event.order["limit_price"])
        inside = low - slipped <= event.price <= high + slipped
        return event.met_price in (high, low) and (
            inside or (at_limit and sign * event.met_price <= sign * event.price)
        )

    @staticmethod
    def _rows(ticks: TickColumns | None, part: Day, at: int, name: str) -> set[Decimal]:
        if ticks is None:
            return set()
        first, last = np.searchsorted(ticks.at, [at - part.open_ns, at - part.open_ns + 1])
        return {number(value) for value in ticks.value(name)[first:last]}

    # --- liquidity ----------------------------------------------------------------------------------

    def liquidity(self) -> Iterator[str]:
        """Of a bar and of a print all orders of the account take `participation` together."""
        if self.terms.profile == "paper":
            return
        taken = defaultdict[tuple[str, str, int], Decimal](Decimal)
        for event in self.fills:
            assert event.met_ns is not None and event.qty
            if event.basis in ("bar_open", "bar_range", "last_close"):
                taken[event.symbol, "bar", event.met_ns - MINUTE_NS * (event.basis == "last_close")] += event.qty
            elif event.basis in ("trade", "auction"):
                taken[event.symbol, event.basis, event.met_ns] += event.qty
        for (symbol, what, at), qty in taken.items():
            parts = self.tape.at(symbol, at)
            most = sum((self._shown(part, what, at) for part in parts), ZERO)
            if qty > most:
                yield f"{qty} {symbol} were taken of the {what} of {at}, which has {most}"

    def _shown(self, part: Day, what: str, at: int) -> Decimal:
        if what == "bar":
            return self.terms.participation * part.bars[at][4] if at in part.bars else ZERO
        if part.trades is None:
            return Decimal("Infinity") if what == "auction" else ZERO
        first, last = np.searchsorted(part.trades.at, [at - part.open_ns, at - part.open_ns + 1])
        if what == "auction" and first == last:
            return Decimal("Infinity")
        return self.terms.participation * number(float(np.sum(part.trades.value("size")[first:last])))

    def quotes(self) -> Iterator[str]:
        """Each displayed unit once: what was taken at a price counts until less than that is displayed there."""
        if self.terms.profile == "paper":
            return
        taken: dict[Any, tuple[int, Decimal]] = {}
        for event in self.fills:
            if event.basis == "quote":
                yield from self._quote(event, taken)

    def _quote(self, event: AccountEvent, taken: dict[Any, tuple[int, Decimal]]) -> Iterator[str]:
        assert event.met_ns is not None and event.qty and event.met_price is not None
        side = "ask" if event.order["side"] == "buy" else "bid"
        part = next(each for each in self.tape.at(event.symbol, event.met_ns) if self._met(each, event, side))
        assert part.quotes is not None
        at, stamps = event.met_ns - part.open_ns, part.quotes.at
        price, size = part.quotes.value(side), part.quotes.value(f"{side}_size")
        there = np.flatnonzero((stamps == at) & (price == float(event.met_price)))
        names = part.quotes.code(f"{side}_exchange")[there].tolist()
        rows = [row for row in there.tolist() if event.met_size is None or number(size[row]) == event.met_size]
        key = event.symbol, side, event.met_price, tuple(names[-1:]) if len(set(names)) == 1 else event.met_ns
        if not rows:
            yield f"event {event.number} met a quote of {event.met_size} at {event.met_price} that is not on the tape"
            return
        since, before = taken.get(key, (rows[-1], ZERO))
        between = size[since + 1 : rows[-1] + 1][price[since + 1 : rows[-1] + 1] == float(event.met_price)]
        least = number(between.min()) if len(between) else before
        now = min(before, least) + event.qty
        taken[key] = rows[-1], now
        if now > number(size[rows[-1]]) and self._consolidated:
            yield f"event {event.number}: {now} were taken of {size[rows[-1]]} displayed at {event.met_price}"

    @property
    def _consolidated(self) -> bool:
        return str(self.account.session.dataset.quotes) == "consolidated"

    @staticmethod
    def _met(part: Day, event: AccountEvent, side: str) -> bool:
        assert event.met_ns is not None and event.met_price is not None
        return event.met_price in Checks._rows(part.quotes, part, event.met_ns, side)


def _held(payload: dict[str, Any]) -> Decimal:
    return sum((Decimal(qty) for qty, _ in payload["earlier"]), Decimal(payload["today"][0]))


def _letter(part: Day, at: int) -> str:
    minute = (at - part.open_ns) // MINUTE_NS
    return part.ledger[minute] if 0 <= minute < len(part.ledger) else ""


def _tick(price: Decimal) -> Decimal:
    return Decimal("0.01") if price >= 1 else Decimal("0.0001")
