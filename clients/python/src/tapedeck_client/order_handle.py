"""What an order's handle knows without asking, and how long it waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Generic, TypeVar

from tapedeck_client.errors import WaitTimeout
from tapedeck_client.session_info import SessionInfo
from tapedeck_client.tables import Table
from tapedeck_client.trading_records import PENDING, AccountInfo, OrderInfo

if TYPE_CHECKING:
    import pandas
    import polars

FIRST_LOOK_SECONDS, LAST_LOOK_SECONDS, SLOWER = 0.05, 1.0, 1.3


def is_closed(info: OrderInfo) -> bool:
    return not info.is_open


def is_settled(info: OrderInfo) -> bool:
    return info.status not in PENDING


@dataclass(eq=False)
class OrderHandle:
    """An order by its id; `info` is the server's last answer about it."""

    info: OrderInfo
    account: AccountInfo = field(repr=False)

    @property
    def id(self) -> str:
        """The broker's."""
        return self.info.id

    @property
    def client_order_id(self) -> str:
        """The client's."""
        return self.info.client_order_id

    @property
    def symbol(self) -> str:
        """What it trades."""
        return self.info.symbol

    @property
    def side(self) -> str:
        """buy or sell."""
        return self.info.side

    @property
    def qty(self) -> Decimal | None:
        """Shares; None of an order for an amount of money."""
        return self.info.qty

    @property
    def status(self) -> str:
        """As last answered; see OrderInfo."""
        return self.info.status

    @property
    def is_open(self) -> bool:
        """Whether anything could still become of it, as last answered."""
        return self.info.is_open

    @property
    def filled_qty(self) -> Decimal:
        """Shares that were filled, as last answered."""
        return self.info.filled_qty

    @property
    def filled_average(self) -> Decimal | None:
        """USD a share of its fills, as last answered; None before the first."""
        return self.info.filled_average


@dataclass(eq=False)
class Patience:
    """How long somebody waits for an order; looks become rarer, for each is a request."""

    timeout: float
    begun: float = field(default_factory=time.monotonic)
    seconds: float = FIRST_LOOK_SECONDS

    def next(self, order: OrderInfo, session: SessionInfo) -> float:
        """Seconds until the next look. Raises WaitTimeout where there is none."""
        if not session.live or time.monotonic() - self.begun > self.timeout:
            named = f"The order to {order.side} {order.symbol} is {order.status}"
            raise WaitTimeout(f"{named}, and session {session.id} {session.state} at {session.clock}.")
        seconds, self.seconds = self.seconds, min(self.seconds * SLOWER, LAST_LOOK_SECONDS)
        return seconds


Done = Callable[[OrderInfo], bool]
Handle = TypeVar("Handle", bound=OrderHandle)


class Orders(tuple[Handle, ...], Generic[Handle]):
    """Handles of orders, the newest first, and their records as a table."""

    @property
    def table(self) -> Table[OrderInfo]:
        """Their records as last answered."""
        return Table.of(OrderInfo, (order.info for order in self))

    def to_pandas(self) -> pandas.DataFrame:
        """As a table's."""
        return self.table.to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """As a table's."""
        return self.table.to_polars()


@dataclass(frozen=True, slots=True)
class Closing(Generic[Handle]):
    """What became of closing one of all positions."""

    symbol: str
    order: Handle | None
    refusal: str | None
    """The broker's message where there is no order."""
