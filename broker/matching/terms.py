"""The words of orders, as the broker's wire has them, and the terms that an account trades on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def other(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    OPG = "opg"
    CLS = "cls"


class OrderClass(StrEnum):
    SIMPLE = ""
    BRACKET = "bracket"
    OCO = "oco"
    OTO = "oto"


class Role(StrEnum):
    ENTRY = "entry"
    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"


class Status(StrEnum):
    PENDING_NEW = "pending_new"
    ACCEPTED = "accepted"
    NEW = "new"
    HELD = "held"
    PARTIALLY_FILLED = "partially_filled"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    REJECTED = "rejected"


CLOSED = frozenset({Status.FILLED, Status.CANCELED, Status.EXPIRED, Status.REPLACED, Status.REJECTED})
STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
AUCTIONS = frozenset({TimeInForce.OPG, TimeInForce.CLS})
AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


class EventKind(StrEnum):
    ACCEPTED = "accepted"
    NEW = "new"
    PARTIAL_FILL = "partial_fill"
    FILL = "fill"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    REJECTED = "rejected"
    RESTATED = "restated"


class Basis(StrEnum):
    """What an execution met."""

    QUOTE = "quote"
    TRADE = "trade"
    BAR_OPEN = "bar_open"
    BAR_RANGE = "bar_range"
    LAST_CLOSE = "last_close"
    AUCTION = "auction"


class Profile(StrEnum):
    REALISTIC = "realistic"
    PAPER = "paper"
    FEES = "fees"


class OnBars(StrEnum):
    NEXT_OPEN = "next_open"
    LAST_CLOSE = "last_close"


@dataclass(frozen=True, slots=True)
class Terms:
    """How an account's orders are filled. `penetration` and `slippage` are ticks; sizes count but for `paper`."""

    profile: Profile = Profile.REALISTIC
    stale_seconds: Decimal = Decimal(60)
    """Age from which on a quote does not count."""
    participation: Decimal = Decimal("0.1")
    """Share of a bar's or a print's volume that the account may take."""
    penetration: int = 1
    slippage: int = 0
    on_bars: OnBars = OnBars.NEXT_OPEN
    latency_ms: int = 0
    seed: int = 0

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Terms:
        """From `as_payload`; fields that it lacks have their defaults."""
        made: dict[str, Any] = {field.name: payload[field.name] for field in fields(cls) if field.name in payload}
        readers = {
            "profile": Profile,
            "stale_seconds": Decimal,
            "participation": Decimal,
            "penetration": int,
            "slippage": int,
            "on_bars": OnBars,
            "latency_ms": int,
            "seed": int,
        }
        return cls(**{name: readers[name](value) for name, value in made.items()})

    def as_payload(self) -> dict[str, Any]:
        return {name: str(v) if isinstance(v, Decimal) else v for name, v in asdict(self).items()}
