"""An order for asyncio."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Unpack

from tapedeck_client import account_calls, calls
from tapedeck_client.order_handle import Done, OrderHandle, Patience, is_closed, is_settled
from tapedeck_client.order_options import Replacement
from tapedeck_client.senders import AsyncSender
from tapedeck_client.trading_records import OrderInfo


@dataclass(eq=False)
class AsyncOrder(OrderHandle):
    """One order of an account.

    Every method raises Refused where the broker refuses, other kinds of ApiError where the server does, and
    ConnectionLost where it is away.
    """

    client: AsyncSender = field(repr=False)
    legs: tuple[AsyncOrder, ...] = field(default=(), repr=False)
    """The exits that it brought, of one that was just placed."""

    async def refresh(self) -> OrderInfo:
        """Ask how it is now."""
        self.info = await self.client.send(account_calls.order(self.account, self.id))
        return self.info

    async def wait(self, timeout: float = 60.0) -> OrderInfo:
        """Wait until it is filled, canceled, expired, replaced or rejected: `status` says which, `reason` why.

        `timeout` is in seconds. Raises WaitTimeout, also where the session has ended and it is still open. A replay
        that waits for you in lockstep stands still meanwhile: there ask for the next frame, and `refresh()`.
        """
        return await self._wait(is_closed, timeout)

    async def settle(self, timeout: float = 10.0) -> OrderInfo:
        """Wait until the session has picked it up, e.g. before it is replaced: placing answers before that.

        `timeout` is in seconds. Raises WaitTimeout.
        """
        return await self._wait(is_settled, timeout)

    async def cancel(self) -> OrderInfo:
        """Cancel what is open of it, and wait until that is done. Raises AgainstRules for one that is closed."""
        await self.client.send(account_calls.cancel(self.account, self.id))
        return await self.refresh()

    async def replace(self, **changes: Unpack[Replacement]) -> AsyncOrder:
        """A new order in place of this one; see Replacement. Raises AgainstRules where it is not open."""
        info = await self.client.send(account_calls.replace(self.account, self.id, changes))
        return AsyncOrder(info, self.account, self.client)

    async def _wait(self, done: Done, timeout: float) -> OrderInfo:
        patience = Patience(timeout)
        while not done(self.info):
            session = await self.client.send(calls.session(self.account.session))
            if not done(await self.refresh()):
                await asyncio.sleep(patience.next(self.info, session))
        return self.info
