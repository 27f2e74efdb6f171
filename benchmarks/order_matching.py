"""Orders against a day of bars, in-process: many that rest far away, many that are filled; beside nautilus' venue."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks import world
from benchmarks.engines import bars_of, environment
from benchmarks.rows import Row
from marketdata.units import MINUTE_NS

SYMBOLS = 500
AWAY = {"far away": 0.5, "near": 0.002}
"""Two orders a symbol, a buy below and a sell above its first price: how far, as a share of it."""


def run() -> Iterator[Row]:
    path = bars_of(SYMBOLS, 1)
    for where, share in AWAY.items():
        bars, orders, fills, cpu = _ours(share)
        what = f"{orders:,} limit orders {where}, {SYMBOLS} symbols, 1 day"
        yield Row(
            what, bars / cpu, "bars/s of CPU", f"{fills:,} fills, {(orders + fills) / cpu:,.0f} orders and fills/s"
        )
        theirs = _nautilus(path, share)
        note = (
            f"{theirs['fills']:,} fills, {(theirs['orders'] + theirs['fills']) / theirs['cpu']:,.0f} orders and fills/s"
        )
        yield Row(f"nautilus' venue: {what}", theirs["bars"] / theirs["cpu"], "bars/s of CPU", note)


def _nautilus(path: Path, share: float) -> dict[str, Any]:
    script = Path(__file__).parent / "peers" / "nautilus_orders.py"
    command = [environment("nautilus"), str(script), str(path), str(share)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"nautilus: {done.stderr.strip().splitlines()[-1]}")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def _ours(share: float) -> tuple[int, int, int, float]:
    """Bars, orders, fills and seconds of CPU: the orders arrive at the first bar's end, then frame by frame."""
    from broker.matching.bars import BarMarket
    from broker.matching.book import Book
    from broker.matching.day import DayData
    from broker.matching.open_span import OpenSpan
    from broker.matching.state import State
    from broker.matching.terms import Terms
    from marketdata import calendar, store
    from marketdata.models import Dataset

    names, rules = world.symbols(SYMBOLS), Terms()
    dataset, first, _, _ = world.ensure_days(names, 1)
    held = store.load_day(Dataset.objects.get(name=dataset).pk, first, list(names))
    day = calendar.trading_day(first)
    opens, closes = (round(at.timestamp()) * 1_000_000_000 for at in (day.open, day.close))
    markets = {name: BarMarket(DayData(name, opens, closes, held[name].bars), rules) for name in names}
    cash = Decimal(10**9)
    book = Book(State(cash=cash, last_equity=cash), rules, lambda symbol: markets[symbol])
    book.begin_day(OpenSpan(opens, closes))
    made = [*_orders(markets, share)]
    fills, began = 0, time.process_time()
    for minute in range(1, (closes - opens) // MINUTE_NS + 1):
        at = opens + minute * MINUTE_NS
        book.advance(at)
        if minute == 1:
            for order in made:
                book.place(order, at)
        book.follow()
        events, _ = book.take_events()
        fills += sum(event.execution is not None for event in events)
    return sum(len(market.bars) for market in markets.values()), len(made), fills, time.process_time() - began


def _orders(markets: dict[str, Any], share: float) -> Iterator[Any]:
    from broker.matching.orders import Order
    from broker.matching.terms import OrderType, Side, TimeInForce

    for i, (name, market) in enumerate(markets.items()):
        for j, side in enumerate(Side):
            price = Decimal(f"{float(market.bars.close[0]) * (1 - side.sign * share):.2f}")
            ids = {"id": f"{name}-{side}", "number": 2 * i + j + 1, "client_order_id": f"{name}-{side}"}
            terms = {"time_in_force": TimeInForce.DAY, "intent": f"{side}_to_open", "qty": Decimal(100)}
            yield Order(**ids, symbol=name, side=side, type=OrderType.LIMIT, limit_price=price, **terms)
