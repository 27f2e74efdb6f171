"""An order as the rules speak of it: what is left of it, its trigger, and the worst price that it takes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

ZERO = Decimal(0)


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
