"""What a random owner of an account asks for: orders near the market of every kind, and changes of what is open."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from broker import service
from broker.entry.order_form import read_order
from broker.entry.replacing import read_changes
from broker.matching.terms import OnBars, OrderType, Profile, Terms
from broker.models import Account, Order
from broker.standing import standing

QUANTITIES = (1, 10, 100, 300, 700, 5000)
NEAR = (0.0003, 0.001, 0.004)
"""How far from the market prices are."""
Body = dict[str, Any]


def terms(rng: random.Random) -> Terms:
    return Terms(
        profile=rng.choice([Profile.REALISTIC, Profile.REALISTIC, Profile.FEES, Profile.PAPER]),
        stale_seconds=Decimal(rng.choice([5, 60])),
        participation=Decimal(rng.choice(["0.1", "1"])),
        penetration=rng.randint(0, 2),
        slippage=rng.randint(0, 2),
        on_bars=rng.choice(list(OnBars)),
        latency_ms=rng.choice([0, 0, 700, 90_000]),
        seed=rng.randint(0, 9),
    )


class Owner:
    """One account's. Each method asks for something once, and says what; a refusal is raised."""

    def __init__(self, rng: random.Random, account_id: int, symbols: tuple[str, ...]) -> None:
        self.rng, self.account_id, self.symbols = rng, account_id, symbols

    def act(self) -> Callable[[], str]:
        chances = {
            self.order: 9,
            self.bracket: 4,
            self.exits: 2,
            self.cancel: 3,
            self.replace: 3,
            self.close: 2,
            self.cancel_all: 1,
            self.configure: 1,
        }
        return self.rng.choices(list(chances), list(chances.values()))[0]

    # --- orders -------------------------------------------------------------------------------------

    def order(self) -> str:
        kind, body = self.rng.choice(["market", "limit", "limit", "stop", "stop_limit", "trailing_stop"]), self._begin()
        body |= {"type": kind, "time_in_force": self._time_in_force(kind), **self._prices(kind, body)}
        if body["time_in_force"] == "day" and kind != "trailing_stop" and self.rng.random() < 0.2:
            body |= self.rng.choice([{"qty": "2.5"}, {"qty": None, "notional": "2000"}])
        if kind == "limit" and body["time_in_force"] in ("day", "gtc") and self.rng.random() < 0.3:
            body["extended_hours"] = True
        return self._place(body)

    def bracket(self) -> str:
        kind, body = self.rng.choice(["market", "limit"]), self._begin()
        body |= {"type": kind, "time_in_force": self.rng.choice(["day", "gtc"]), **self._prices(kind, body)}
        order_class = self.rng.choice(["bracket", "bracket", "oto"])
        return self._place({**body, "order_class": order_class, **self._exits(body, both=order_class == "bracket")})

    def exits(self) -> str:
        """Of a position that is held, one or the other."""
        held = standing(self.account_id).state.positions
        if not held:
            return "nothing is held"
        symbol = self.rng.choice(sorted(held))
        qty = held[symbol].qty
        body = {"symbol": symbol, "qty": str(abs(qty)), "side": "sell" if qty > 0 else "buy", "type": "limit"}
        entry = {**body, "side": "buy" if qty > 0 else "sell"}
        return self._place({**body, "time_in_force": "gtc", "order_class": "oco", **self._exits(entry, both=True)})

    def _begin(self) -> Body:
        symbol, side = self.rng.choice(self.symbols), self.rng.choice(["buy", "buy", "sell"])
        return {"symbol": symbol, "side": side, "qty": str(self.rng.choice(QUANTITIES))}

    def _time_in_force(self, kind: str) -> str:
        simple = kind in ("market", "limit")
        return self.rng.choice(["day", "day", "gtc", "ioc", "fok", "opg", "cls"] if simple else ["day", "gtc"])

    def _prices(self, kind: str, body: Body) -> Body:
        sign = 1 if body["side"] == "buy" else -1
        if kind == "trailing_stop":
            return self.rng.choice([{"trail_price": "0.05"}, {"trail_percent": "0.2"}])
        given: Body = {}
        if kind in ("stop", "stop_limit"):
            given["stop_price"] = self._price(body["symbol"], sign * self.rng.choice(NEAR))
        if kind == "limit":
            given["limit_price"] = self._price(body["symbol"], self.rng.choice([-1, -1, 1]) * sign * self._near())
        if kind == "stop_limit":
            given["limit_price"] = str(Decimal(given["stop_price"]) + sign * self.rng.choice([0, 2, 10]) / Decimal(100))
        return given

    def _exits(self, entry: Body, *, both: bool) -> Body:
        """At a profit and at a loss of an entry."""
        sign = 1 if entry["side"] == "buy" else -1
        profit = {"take_profit": {"limit_price": self._price(entry["symbol"], sign * (self._near() + 0.0005))}}
        loss: Body = {"stop_loss": {"stop_price": self._price(entry["symbol"], -sign * (self._near() + 0.011))}}
        if self.rng.random() < 0.3:
            loss["stop_loss"]["limit_price"] = self._price(entry["symbol"], -sign * 0.03)
        return profit | loss if both else self.rng.choice([profit, loss])

    def _near(self) -> float:
        return self.rng.choice(NEAR)

    def _price(self, symbol: str, away: float) -> str:
        mark = standing(self.account_id).prices.mark(symbol) or Decimal(50)
        return str((mark * Decimal(1 + away)).quantize(Decimal("0.01")))

    def _place(self, body: Body) -> str:
        made = service.place(self.account_id, read_order(body))
        return f"{' + '.join(order.id[:8] for order in made)}: {body}"

    # --- what is open -------------------------------------------------------------------------------

    def cancel(self) -> str:
        if (order := self._one_that_is_open()) is None:
            return "nothing is open"
        service.cancel(self.account_id, order.id)
        return order.id[:8]

    def cancel_all(self) -> str:
        return str(len(service.cancel_all(self.account_id)))

    def replace(self) -> str:
        if (order := self._one_that_is_open()) is None:
            return "nothing is open"
        changes: Body = {}
        if self.rng.random() < 0.5 and not (order.is_exit and self.rng.random() < 0.9):
            changes["qty"] = str(self.rng.choice(QUANTITIES))
        sign = 1 if order.side == "buy" else -1
        if order.limit_price is not None and self.rng.random() < 0.7:
            changes["limit_price"] = self._price(order.symbol, -sign * self._near())
        if order.type is OrderType.TRAILING_STOP:
            changes["trail"] = "0.1"
        new = service.replace(self.account_id, order.id, read_changes(changes))
        return f"{order.id[:8]} by {new.id[:8]}: {changes}"

    def close(self) -> str:
        held = sorted(standing(self.account_id).state.positions)
        if not held:
            return "nothing is held"
        symbol, part = self.rng.choice(held), self.rng.choice([None, Decimal(50)])
        return service.close_position(self.account_id, symbol, None, part).id[:8]

    def configure(self) -> str:
        changes = {"no_shorting": self.rng.random() < 0.3}
        service.configure(self.account_id, changes)
        return str(changes)

    def _one_that_is_open(self) -> Any:
        rows = Order.objects.filter(account_id=self.account_id, is_open=True, voided_in=None).order_by("number")
        found = list(rows)
        return self.rng.choice(found).working if found else None


def owners(rng: random.Random, accounts: list[Account], symbols: tuple[str, ...]) -> list[Owner]:
    return [Owner(rng, account.pk, symbols) for account in accounts]
