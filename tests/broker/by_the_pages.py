"""Orders worked through a made day by the rules' own words, instant by instant: slow, and without the broker's code.

Everything is looked at by every order; nothing is searched, kept or skipped. It shares the payloads with the broker.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any

from broker.matching.acts import Cancel, Place, Replace
from broker.matching.book import Act
from broker.matching.terms import Terms
from tests.broker.books import MINUTE_NS, OPEN_NS, SECOND_NS
from tests.broker.random_days import DAY_NS, Made

INVALID = set("BW479CGHIMNPQRTUVZ")
ZERO = Decimal(0)
Fill = tuple[str, Decimal, Decimal, str]
"""Order, shares, price, basis."""


def number(value: Any) -> Decimal:
    return Decimal(str(value))


@dataclass(eq=False)
class Working:
    id: str
    number: int
    sign: int
    type: str
    tif: str
    qty: Decimal
    limit: Decimal | None
    stop: Decimal | None
    trail: Decimal | None
    role: str
    group: str
    held: bool
    replaces: str
    hwm: Decimal | None = None
    filled: Decimal = ZERO
    carried: Decimal = ZERO
    arrival: int = 0
    turn: int = 0
    looked: bool = False
    like_market: bool = False
    elected: bool = False
    elected_in: int = -1
    exit_of: int = -1
    """The bar at whose open its entry was filled."""

    @classmethod
    def of(cls, payload: dict[str, Any]) -> Working:
        def price(name: str) -> Decimal | None:
            return None if payload.get(name) is None else Decimal(payload[name])

        return cls(
            payload["id"],
            payload["number"],
            1 if payload["side"] == "buy" else -1,
            str(payload["type"]),
            str(payload["time_in_force"]),
            Decimal(payload.get("qty") or 0),
            price("limit_price"),
            price("stop_price"),
            price("trail_price"),
            str(payload.get("role") or ""),
            payload.get("group_id", ""),
            payload.get("status") == "held",
            payload.get("replaces", ""),
        )

    @property
    def left(self) -> Decimal:
        return self.qty - self.filled

    @property
    def trigger(self) -> Decimal | None:
        """Of a stop that is not elected yet."""
        if self.elected:
            return None
        if self.type == "trailing_stop":
            return None if self.hwm is None else self.hwm + self.sign * (self.trail or ZERO)
        return self.stop

    @property
    def is_stop(self) -> bool:
        return not self.elected and self.type in ("stop", "stop_limit", "trailing_stop")

    @property
    def worst(self) -> Decimal | None:
        """Its limit, or a buy stop's collar: 4 % above stops below 50, else 2.5 %, down to the tick."""
        if self.limit is not None or self.type != "stop" or self.sign < 0:
            return self.limit
        assert self.stop is not None
        collar = self.stop * (Decimal("1.04") if self.stop < 50 else Decimal("1.025"))
        return collar.quantize(Decimal("0.01") if collar >= 1 else Decimal("0.0001"), ROUND_DOWN)

    def takes(self, price: Decimal) -> bool:
        return self.worst is None or self.sign * price <= self.sign * self.worst

    def beyond(self, price: Decimal, mark: Decimal) -> bool:
        """Whether a price is at a mark or further in the order's direction."""
        return self.sign * price >= self.sign * mark


@dataclass(eq=False)
class Pages:
    """`fills` after `work`."""

    made: Made
    rules: Terms
    orders: list[Working] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    turns: int = 0
    now: int = 0

    def work(self, asked: Sequence[tuple[int, int, Act]]) -> list[Fill]:
        for day in range(2):
            self.opens = OPEN_NS + day * DAY_NS
            self.close = self.opens + 390 * MINUTE_NS
            self.now = self.opens
            self.read_day()
            for o in self.ready():
                o.exit_of = o.elected_in = -1
                self.stands_before(o)
            latency = self.rules.latency_ms * 1_000_000
            acts = [
                (self.opens + second * SECOND_NS + latency, n, act)
                for n, (second, on, act) in enumerate(asked, 1)
                if on == day
            ]
            instants = sorted(self.instants(), key=lambda each: each[:4])
            while acts or instants:
                if instants and (not acts or instants[0][0] <= acts[0][0]):
                    self.instant(*instants.pop(0))
                else:
                    self.now, _, act = acts.pop(0)
                    self.request(act)
            for o in sorted(self.orders, key=lambda o: o.number):
                if o.tif != "gtc":
                    self.orders.remove(o)
        return self.fills

    # --- the tape -----------------------------------------------------------------------------------

    def read_day(self) -> None:
        made, opens = self.made, self.opens
        self.taken: dict[Any, Decimal] = {}
        self.bars = [
            (opens + minute * MINUTE_NS, *map(number, row)) for row, minute in zip(made.bars, made.minutes, strict=True)
        ]
        self.trades = [
            (opens + row[0] * SECOND_NS, number(row[1]), number(row[2]), row[3], not set(row[3]) & INVALID)
            for row in made.trades or ()
        ]
        self.quotes = [(opens + row[0] * SECOND_NS, *row[1:]) for row in made.quotes or ()]
        self.tier = "quotes" if made.quotes else "trades" if made.trades else "bars"

    def instants(self) -> Iterator[tuple[int, int, int, int, str]]:
        """(known, stamp, phase, row, what), of the tier and of its auctions."""
        if self.tier == "bars":
            for i, (start, *_) in enumerate(self.bars):
                for phase, what in enumerate(("open", "range", "bar_close")):
                    yield start + MINUTE_NS, start if phase < 2 else start + MINUTE_NS - 1, phase, i, what
        else:
            for at in {row[0] for row in self.quotes}:
                yield at, at, 0, 0, "quote"
            for i, trade in enumerate(self.trades):
                yield trade[0], trade[0], 1, i, "trade"
        for tif in ("opg", "cls"):
            if (met := self.auction(tif)) is not None:
                known, at, phase, row = met[:4]
                yield known, at, phase, row, tif

    def auction(self, tif: str) -> tuple[int, int, int, int, Decimal, Decimal, Any] | None:
        """Known, stamp, phase, row, price, size and pool of what its orders meet."""
        opening = tif == "opg"
        if self.tier == "bars":
            if not self.bars:
                return None
            i = 0 if opening else len(self.bars) - 1
            start, opened, _, _, closed, volume = self.bars[i]
            end = start + MINUTE_NS
            if opening:
                return end, start, 0, i, opened, volume, ("bar", i)
            return self.close, end - 1, 2, i, closed, volume, ("bar", i)
        for letter in ("O", "Q") if opening else ("6", "M"):
            prints = [(-t[2], i) for i, t in enumerate(self.trades) if t[3] == letter]
            if prints:
                _, i = min(prints)
                at, price, size, *_ = self.trades[i]
                return at if opening else self.close, at, 1, i, price, size, ("trade", i)
        if self.bars:
            start, opened, _, _, closed, volume = self.bars[0 if opening else -1]
            end = start + MINUTE_NS
            if opening:
                return end, start, 1, 0, opened, volume, ("auction", 0)
            return self.close, end, 1, 0, closed, volume, ("auction", len(self.bars) - 1)
        valid = [i for i, trade in enumerate(self.trades) if trade[4]]
        if not valid:
            return None
        i = valid[0 if opening else -1]
        at, price, size, *_ = self.trades[i]
        return at if opening else self.close, at, 1, i, price, size, ("trade", i)

    def halted(self, at: int) -> bool:
        minute = (at - self.opens) // MINUTE_NS
        return 0 <= minute < len(self.made.ledger) and self.made.ledger[minute] == "H"

    def standing(self, sign: int, at: int, *, fresh: bool = True) -> list[tuple[Decimal, Decimal, int, Any]]:
        """(price, size, stamp, whose) of the far side's quotes at the best price, the oldest first."""
        newest: dict[Any, tuple[int, Decimal, Decimal]] = {}
        for stamp, bid, bid_size, ask, ask_size, exchange in self.quotes:
            price, size = (ask, ask_size) if sign > 0 else (bid, bid_size)
            if stamp <= at and price is not None:
                whose = exchange if self.made.by_exchange else ""
                newest.pop(whose, None)
                newest[whose] = stamp, number(price), number(size)
        stale = int(self.rules.stale_seconds * SECOND_NS)
        counts = [
            (price, size, stamp, whose)
            for whose, (stamp, price, size) in newest.items()
            if price > 0 and size > 0 and not (fresh and at - stamp > stale)
        ]
        best = min((sign * each[0] for each in counts), default=ZERO)
        return [each for each in counts if sign * each[0] == best]

    def market(self, sign: int, at: int) -> list[tuple[Decimal, Decimal, int, Any]]:
        """What an order can meet: nothing while the market is crossed."""
        far, near = self.standing(sign, at), self.standing(-sign, at)
        return [] if far and near and sign * far[0][0] < sign * near[0][0] else far

    def last_trade(self, at: int) -> Decimal | None:
        return next((t[1] for t in reversed(self.trades) if t[4] and t[0] <= at), None)

    def mark(self, at: int) -> Decimal | None:
        if (last := self.last_trade(at)) is not None:
            return last
        for stamp in sorted({row[0] for row in self.quotes if row[0] <= at}, reverse=True):
            bid, ask = (self.standing(sign, stamp, fresh=self.made.by_exchange) for sign in (-1, 1))
            if bid and ask:
                return (bid[0][0] + ask[0][0]) / 2
        return next((bar[4] for bar in reversed(self.bars) if bar[0] + MINUTE_NS <= at), None)

    # --- requests -----------------------------------------------------------------------------------

    def ready(self) -> list[Working]:
        return sorted((o for o in self.orders if not o.held), key=lambda o: o.turn)

    def request(self, act: Act) -> None:
        if isinstance(act, Place):
            self.place(*map(Working.of, act.orders))
        elif isinstance(act, Cancel):
            for o in [o for o in self.orders if o.id in act.order_ids]:
                self.cancel(o)
        elif isinstance(act, Replace):
            old = next((o for o in self.orders if o.id == act.order_id), None)
            if old is None:
                return
            new = Working.of(act.order)
            new.qty = new.qty or old.left
            new.carried, new.hwm, new.held = old.carried + old.filled, old.hwm, old.held
            self.orders.remove(old)
            self.place(new)

    def place(self, *made: Working) -> None:
        for o in made:
            self.orders.append(o)
            self.turns += 1
            o.arrival, o.turn = self.now, self.turns
        for o in made:
            if not o.held:
                self.activate(o, self.now)

    def activate(self, o: Working, arrival: int) -> None:
        o.arrival, o.held = arrival, False
        if o.type == "trailing_stop" and not o.replaces:
            o.hwm = self.mark(arrival)
        self.stands_before(o)

    def stands_before(self, o: Working) -> None:
        """Its first look, where that is at its arrival or at the open."""
        at = max(o.arrival, self.opens)
        if o.tif in ("opg", "cls"):
            return
        if self.tier == "quotes" and not o.is_stop:
            if not self.halted(at):
                self.meet_quotes(o, at)
            elif o.tif in ("ioc", "fok"):
                self.cancel(o)
        elif self.tier == "trades" and not o.looked:
            last = self.last_trade(o.arrival)
            if last is not None:
                o.looked, o.like_market = True, o.takes(last)
            if o.tif in ("ioc", "fok") and o.worst is not None and not o.like_market:
                self.cancel(o)
        elif self.tier == "bars" and self.closes_at_once(o):
            for i, bar in enumerate(self.bars):
                if bar[0] + MINUTE_NS == o.arrival:
                    self.close_of(o, i)

    def closes_at_once(self, o: Working) -> bool:
        return str(self.rules.on_bars) == "last_close" and o.type == "market" and o.tif in ("day", "gtc")

    def cancel(self, o: Working) -> None:
        if o in self.orders:
            self.orders.remove(o)
            for other in [each for each in self.orders if o.group and each.group == o.group]:
                self.orders.remove(other)

    # --- instants -----------------------------------------------------------------------------------

    def instant(self, known: int, at: int, phase: int, row: int, what: str) -> None:
        self.now = known
        if what == "quote":
            self.shown(at)
        for o in self.ready():
            if o not in self.orders:
                continue
            if o.tif in ("opg", "cls"):
                if what == o.tif and (what == "cls" or o.arrival <= self.opens):
                    self.meet_auction(o, at)
            elif what not in ("opg", "cls") and (self.tier == "bars" or at > o.arrival):
                if not self.halted(at):
                    getattr(self, f"see_{what}")(o, row, at)
                elif what == "trade" and o.type == "trailing_stop" and o.trigger and self.trades[row][4]:
                    o.hwm = min(o.hwm or ZERO, self.trades[row][1], key=lambda price: o.sign * price)
                elif o.tif in ("ioc", "fok") and what == "trade" and self.tier == "trades" and self.trades[row][4]:
                    self.cancel(o)

    def meet_auction(self, o: Working, at: int) -> None:
        met = self.auction(o.tif)
        assert met is not None
        price, size, pool = met[4:]
        if not self.halted(at) and o.takes(price):
            self.fill(o, self.room(o, size, pool), price, "auction", pool)
        if o in self.orders:
            self.orders.remove(o)

    def room(self, o: Working, size: Decimal, pool: Any) -> Decimal:
        share = (self.rules.participation * size).to_integral_value(ROUND_DOWN)
        return min(o.left, max(ZERO, share - self.taken.get(pool, ZERO)))

    def fill(self, o: Working, qty: Decimal, price: Decimal, basis: str, pool: Any, bar: int = -1) -> None:
        if (o.tif == "fok" and qty < o.left) or qty <= 0:
            return
        self.taken[pool] = self.taken.get(pool, ZERO) + qty
        o.filled += qty
        self.fills.append((o.id, qty, price, basis))
        others = [each for each in self.orders if o.group and each.group == o.group and each is not o]
        if not o.left:
            self.orders.remove(o)
        if o.role == "entry" and not o.left:
            for exit_order in sorted(others, key=lambda each: each.number):
                if exit_order.held and exit_order in self.orders:
                    exit_order.qty = o.carried + o.filled
                    self.turns += 1
                    exit_order.turn = self.turns
                    at_open = basis == "bar_open"
                    exit_order.exit_of = bar if at_open else -1
                    self.activate(exit_order, self.bars[bar][0] if at_open else self.now)
        elif o.role in ("take_profit", "stop_loss"):
            for other in (each for each in others if each.role in ("take_profit", "stop_loss")):
                if o.left:
                    other.qty -= qty
                else:
                    self.cancel(other)

    # --- quotes -------------------------------------------------------------------------------------

    def shown(self, at: int) -> None:
        """What was taken counts against later quotes at that price: the lesser of it and the new size."""
        for sign in (1, -1):
            last: dict[Any, tuple[Any, Any]] = {}
            for stamp, bid, bid_size, ask, ask_size, exchange in self.quotes:
                price, size = (ask, ask_size) if sign > 0 else (bid, bid_size)
                if stamp == at and price is not None:
                    last[exchange if self.made.by_exchange else ""] = price, size
            for whose, (price, size) in last.items():
                pool = (sign, number(price), whose)
                if pool in self.taken and size:
                    self.taken[pool] = min(self.taken[pool], number(size))

    def meet_quotes(self, o: Working, at: int) -> None:
        far = self.market(o.sign, at)
        resting = o.looked and o.limit is not None
        if far:
            o.looked = True
            if o.takes(far[0][0]):
                rooms = [
                    max(ZERO, size - self.taken.get((o.sign, price, whose), ZERO)) for price, size, _, whose in far
                ]
                if o.tif != "fok" or sum(rooms, ZERO) >= o.left:
                    for (price, _, _, whose), room in zip(far, rooms, strict=True):
                        if o in self.orders:
                            at_price = o.limit if resting and o.limit is not None else price
                            self.take(o, min(o.left, room), at_price, (o.sign, price, whose))
        if o.tif in ("ioc", "fok"):
            self.cancel(o)

    def take(self, o: Working, qty: Decimal, price: Decimal, pool: Any) -> None:
        tif, o.tif = o.tif, "day"  # fill or kill is whole over all quotes, not in each
        self.fill(o, qty, price, "quote", pool)
        o.tif = tif

    def see_quote(self, o: Working, row: int, at: int) -> None:
        if o.is_stop:
            if self.made.trades:
                return
            near = self.standing(o.sign, at)
            if not near or not self.elects(o, near[0][0]):
                return
        self.meet_quotes(o, at)

    def elects(self, o: Working, price: Decimal) -> bool:
        """Let a stop see a price; a trailing one's mark follows where it elects nothing."""
        if o.trigger is None:
            o.hwm = price
            return False
        if o.beyond(price, o.trigger):
            o.elected = True
            return True
        if o.type == "trailing_stop" and o.hwm is not None and o.sign * price < o.sign * o.hwm:
            o.hwm = price
        return False

    # --- trades -------------------------------------------------------------------------------------

    def see_trade(self, o: Working, row: int, at: int) -> None:
        _, price, size, _, valid = self.trades[row]
        if not valid:
            return
        pool = ("trade", row)
        if self.tier == "quotes":
            if o.is_stop:
                if self.elects(o, price):
                    self.meet_quotes(o, at)
            elif o.limit is not None and o.looked and o.sign * price < o.sign * o.limit:
                self.fill(o, self.room(o, size, pool), o.limit, "trade", pool)
            return
        if o.is_stop:
            if self.elects(o, price):
                self.turns += 1
                o.turn, o.looked, o.like_market = self.turns, True, o.takes(price)
            return
        if not o.looked and o.tif in ("day", "gtc") and o.type != "market":
            o.looked, o.like_market = True, o.takes(price)
            return
        if o.limit is None or o.like_market:
            if o.takes(price):
                self.fill(o, self.room(o, size, pool), price, "trade", pool)
            elif o.limit is not None:
                o.like_market = False
        elif o.sign * price < o.sign * o.limit:
            self.fill(o, self.room(o, size, pool), o.limit, "trade", pool)
        if o.tif in ("ioc", "fok"):
            self.cancel(o)

    # --- bars ---------------------------------------------------------------------------------------

    def slip(self, price: Decimal, of: Decimal) -> Decimal:
        return price + self.rules.slippage * (Decimal("0.01") if of >= 1 else Decimal("0.0001"))

    def see_open(self, o: Working, i: int, at: int) -> None:
        start, opened, *_, volume = self.bars[i]
        if start < o.arrival or o.exit_of == i or self.closes_at_once(o):
            return
        if o.is_stop:
            if o.trigger is None:
                o.hwm = opened
                return
            if not o.beyond(opened, o.trigger):
                return
            o.elected = True
        if o.takes(opened):
            self.fill(o, self.room(o, volume, ("bar", i)), opened, "bar_open", ("bar", i), i)
        if o.tif in ("ioc", "fok"):
            self.cancel(o)

    def see_range(self, o: Working, i: int, at: int) -> None:
        start, _, high, low, _, volume = self.bars[i]
        if start < o.arrival or o.type == "market":
            return
        back, ahead = (low, high) if o.sign > 0 else (high, low)
        pool = ("bar", i)
        if o.is_stop:
            assert o.trigger is not None
            trigger = o.trigger
            if o.beyond(ahead, trigger):
                o.elected, o.elected_in = True, i
                if o.takes(trigger):
                    price = self.slip(trigger, trigger)
                    self.fill(o, self.room(o, volume, pool), price, "bar_range", pool)
            elif o.type == "trailing_stop" and o.hwm is not None and o.sign * back < o.sign * o.hwm:
                o.hwm = back
        elif o.worst is not None and o.elected_in != i and not self.stop_is_elected(o, i):
            tick = Decimal("0.01") if o.worst >= 1 else Decimal("0.0001")
            if o.sign * back <= o.sign * o.worst - self.rules.penetration * tick:
                self.fill(o, self.room(o, volume, pool), o.worst, "bar_range", pool)

    def stop_is_elected(self, o: Working, i: int) -> bool:
        start, _, high, low, *_ = self.bars[i]
        stops = (s for s in self.orders if o.group and s.group == o.group and s.role == "stop_loss" and not s.held)
        return o.role == "take_profit" and any(
            s.trigger is not None and start >= s.arrival and s.beyond(high if s.sign > 0 else low, s.trigger)
            for s in stops
        )

    def see_bar_close(self, o: Working, i: int, at: int) -> None:
        if self.closes_at_once(o) and self.bars[i][0] >= o.arrival:
            self.close_of(o, i)

    def close_of(self, o: Working, i: int) -> None:
        closed, volume = self.bars[i][4:]
        self.fill(o, self.room(o, volume, ("bar", i)), self.slip(closed, closed), "last_close", ("bar", i))
