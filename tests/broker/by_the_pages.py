"""Orders worked through a made day by the rules' own words, instant by instant: slow, and without the broker's code.

Everything is looked at by every order; nothing is searched, kept or skipped. It shares the payloads with the broker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from broker.matching.book import Act
from tests.broker.books import MINUTE_NS, OPEN_NS, SECOND_NS
from tests.broker.plain_desk import Desk, Fill
from tests.broker.plain_tape import number
from tests.broker.random_days import DAY_NS
from tests.broker.working_orders import ZERO, Working


@dataclass(eq=False)
class Pages(Desk):
    """`fills` after `work`."""

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

    # --- first looks --------------------------------------------------------------------------------

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
            start >= s.arrival
            and (self.passes(s, i) if s.trigger is None else s.beyond(high if s.sign > 0 else low, s.trigger))
            for s in stops
        )

    def passes(self, o: Working, i: int) -> bool:
        """Whether a bar passes the limit that an elected stop rests at."""
        if o.worst is None or o.elected_in == i:
            return False
        tick = Decimal("0.01") if o.worst >= 1 else Decimal("0.0001")
        back = self.bars[i][3 if o.sign > 0 else 2]
        return o.sign * back <= o.sign * o.worst - self.rules.penetration * tick

    def see_bar_close(self, o: Working, i: int, at: int) -> None:
        if self.closes_at_once(o) and self.bars[i][0] >= o.arrival:
            self.close_of(o, i)

    def close_of(self, o: Working, i: int) -> None:
        closed, volume = self.bars[i][4:]
        self.fill(o, self.room(o, volume, ("bar", i)), self.slip(closed, closed), "last_close", ("bar", i))
