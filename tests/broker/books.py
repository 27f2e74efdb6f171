"""A book and a day of the market that are made by hand."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from broker.matching.bars import BarMarket
from broker.matching.book import Book
from broker.matching.day import DayData, Market
from broker.matching.open_span import OpenSpan
from broker.matching.orders import Order
from broker.matching.quotes import QuoteMarket
from broker.matching.state import Event, State
from broker.matching.terms import OrderClass, OrderType, Role, Side, Status, Terms, TimeInForce
from broker.matching.trades import TradeMarket
from marketdata.columns import BarColumns, TickColumns
from marketdata.kinds import KINDS, DayKind

OPEN_NS = 1_461_159_000 * 1_000_000_000
MINUTE_NS, SECOND_NS = 60_000_000_000, 1_000_000_000
CLOSE_NS = OPEN_NS + 390 * MINUTE_NS


def bar_columns(rows: Sequence[tuple[float, ...]], minutes: Sequence[int] | None = None) -> BarColumns:
    """Rows of open, high, low, close and, where given, volume (1,000,000 else)."""
    full = [(*row, 1_000_000.0)[:5] for row in rows]
    columns = np.array(full, dtype=float).reshape(len(rows), 5).T
    offset = np.array(range(len(rows)) if minutes is None else minutes, np.int64) * 60
    absent = np.full(len(rows), np.nan)
    return BarColumns(offset, *columns, absent, absent)


def trade_columns(rows: Sequence[tuple[Any, ...]]) -> TickColumns:
    """Rows of seconds from the open, price, size and, where given, a condition."""
    words = ["", *sorted({row[3] for row in rows if len(row) > 3 and row[3]})]
    at = np.array([round(row[0] * SECOND_NS) for row in rows], np.int64)
    values = np.array([[row[1], row[2]] for row in rows], float).T.reshape(2, len(rows))
    codes = np.zeros((len(KINDS[DayKind.TRADES].codes), len(rows)), np.int32)
    codes[1] = [words.index(row[3]) if len(row) > 3 else 0 for row in rows]
    return TickColumns(DayKind.TRADES, at, values, codes, np.zeros(len(rows), np.uint8), tuple(words))


def quote_columns(rows: Sequence[tuple[Any, ...]]) -> TickColumns:
    """Rows of seconds from the open, bid, bid size, ask, ask size (None: absent) and, where given, an exchange."""
    words = ["", *sorted({row[5] for row in rows if len(row) > 5})]
    at = np.array([round(row[0] * SECOND_NS) for row in rows], np.int64)
    cells = [[np.nan if cell is None else cell for cell in row[1:5]] for row in rows]
    codes = np.zeros((len(KINDS[DayKind.QUOTES].codes), len(rows)), np.int32)
    codes[:2] = [words.index(row[5]) if len(row) > 5 else 0 for row in rows]
    values = np.array(cells, float).T.reshape(4, len(rows))
    return TickColumns(DayKind.QUOTES, at, values, codes, np.zeros(len(rows), np.uint8), tuple(words))


@dataclass
class Table:
    """A book with its orders by number."""

    book: Book
    numbers: Any = field(default_factory=lambda: itertools.count(1))
    events: list[Event] = field(default_factory=list)

    def at(self, minute: float) -> None:
        """Go on to so many minutes after the open."""
        self.book.advance(OPEN_NS + round(minute * MINUTE_NS))
        self._hear()

    def place(self, side: str, kind: str = "market", qty: Any = 100, **terms: Any) -> Order:
        made = order(next(self.numbers), side, kind, qty, **terms)
        self.book.place(made, self.book.now)
        self.book.advance(self.book.now)
        self._hear()
        return made

    def group(self, *orders: Order) -> None:
        for each in orders:
            self.book.place(each, self.book.now)
        self._hear()

    def _hear(self) -> None:
        events, _ = self.book.take_events()
        self.events += events

    def begin_next_day(self) -> None:
        """The same day of the market once more, as the day after."""
        self.at(390)
        for each in self.book.state.orders.values():
            each.arrival -= 24 * 60 * MINUTE_NS
        self.book.begin_day(OpenSpan(OPEN_NS, CLOSE_NS))

    def notes(self, made: Order) -> list[str]:
        return [event.note for event in self.events if event.order["id"] == made.id and event.note]

    def kinds(self, made: Order) -> list[str]:
        return [str(event.kind) for event in self.events if event.order["id"] == made.id]

    def fills(self, made: Order) -> list[tuple[Decimal, Decimal]]:
        """Shares and prices."""
        found = [event.execution for event in self.events if event.order["id"] == made.id and event.execution]
        return [(each.qty, each.price) for each in found]

    def bases(self, made: Order) -> list[str]:
        return [str(e.execution.basis) for e in self.events if e.order["id"] == made.id and e.execution]


def order(number: int, side: str, kind: str = "market", qty: Any = 100, **terms: Any) -> Order:
    prices = ("limit_price", "stop_price", "trail_price", "trail_percent", "hwm", "notional")
    given = {
        name: Decimal(str(value)) if name in prices and value is not None else value for name, value in terms.items()
    }
    given["time_in_force"] = TimeInForce(given.pop("tif", "day"))
    given["role"] = Role(given["role"]) if given.get("role") else None
    given["order_class"] = OrderClass(given.get("order_class", ""))
    return Order(
        id=f"order-{number}",
        number=number,
        client_order_id=f"client-{number}",
        symbol=given.pop("symbol", "AAPL"),
        side=Side(side),
        type=OrderType(kind),
        intent=f"{side}_to_open",
        qty=None if qty is None else Decimal(str(qty)),
        status=Status(given.pop("status", "pending_new")),
        **given,
    )


def market_of(day: DayData, rules: Terms) -> Market:
    if day.load_quotes:
        return QuoteMarket(day, rules)
    return TradeMarket(day, rules) if day.load_trades else BarMarket(day, rules)


def table(
    bars: BarColumns | None = None,
    trades: TickColumns | None = None,
    quotes: TickColumns | None = None,
    *,
    by_exchange: bool = False,
    ledger: str = "",
    late_trades: TickColumns | None = None,
    cash: int = 1_000_000,
    **terms: Any,
) -> Table:
    """A book at the open of a day of one symbol that has what is given."""
    rules = Terms.of(terms)
    day = DayData(
        "AAPL",
        OPEN_NS,
        CLOSE_NS,
        bars,
        None if trades is None else lambda: trades,
        None if quotes is None else lambda: quotes,
        by_exchange,
        ledger,
        load_late_trades=None if late_trades is None else lambda: late_trades,
    )
    market = market_of(day, rules)
    book = Book(State(cash=Decimal(cash), last_equity=Decimal(cash)), rules, lambda symbol: market)
    book.begin_day(OpenSpan(OPEN_NS, CLOSE_NS))
    return Table(book)
