"""What an account's handle knows without asking."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from tapedeck_client.trading_records import AccountInfo


@dataclass(eq=False)
class AccountHandle:
    """An account by its name; `info` is the server's last answer about it."""

    info: AccountInfo

    @property
    def name(self) -> str:
        """Unique in its session."""
        return self.info.name

    @property
    def clock(self) -> dt.datetime:
        """The market's time of the last answer."""
        return self.info.clock

    @property
    def cash(self) -> Decimal:
        """USD, as last answered."""
        return self.info.cash

    @property
    def equity(self) -> Decimal:
        """USD of cash and positions at their marks, as last answered."""
        return self.info.equity

    @property
    def buying_power(self) -> Decimal:
        """USD that opening orders may still cost, as last answered."""
        return self.info.buying_power


Handle = TypeVar("Handle", bound=AccountHandle)


def only(accounts: Sequence[Handle]) -> Handle:
    """The one that is there. Raises LookupError."""
    if len(accounts) != 1:
        names = ", ".join(account.name for account in accounts) or "none"
        raise LookupError(f"Name the account, as there is not just one: {names}.")
    return accounts[0]
