"""An account of a session for plain Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Unpack

from tapedeck_client import account_calls
from tapedeck_client.account_handle import AccountHandle
from tapedeck_client.account_records import AccountEvent
from tapedeck_client.calls import Call
from tapedeck_client.errors import TapedeckError
from tapedeck_client.notebook.account_view import AccountView
from tapedeck_client.opening_options import SettingsOptions
from tapedeck_client.order import Order
from tapedeck_client.order_handle import Closing, Orders
from tapedeck_client.order_options import Amount, OrderOptions, Side
from tapedeck_client.senders import Sender
from tapedeck_client.streams.stream import Stream
from tapedeck_client.streams.stream_request import StreamOptions, stream_request
from tapedeck_client.tables import Table
from tapedeck_client.trading_records import AccountInfo, Activity, EquityPoint, Execution, OrderInfo, Position


@dataclass(eq=False)
class Account(AccountHandle):
    """One account: its figures, its orders and positions, what it did. Money is in USD, times are the market's.

    Every method raises Refused where the broker refuses, with its message and figures; other kinds of ApiError where
    the server does, e.g. NotAllowed without the permission to trade; ConnectionLost where it is away.
    """

    client: Sender = field(repr=False)

    def refresh(self) -> AccountInfo:
        """Ask for its figures now."""
        return self._learn(account_calls.account(self.info.session, self.name))

    def configure(self, **settings: Unpack[SettingsOptions]) -> AccountInfo:
        """Change what its owner sets; see SettingsOptions."""
        return self._learn(account_calls.configure(self.info, settings))

    # --- orders ------------------------------------------------------------------------------------------

    def order(self, side: Side, symbol: str, qty: Amount | None = None, **options: Unpack[OrderOptions]) -> Order:
        """Place an order for `qty` shares or `notional` USD; see OrderOptions. Its exits are its `legs`.

        It answers before the market has seen it: an order meets what comes after it. Raises NotCovered for what the
        account cannot pay or has not, AgainstRules for what the market's rules forbid and for a `client_order_id` that
        was used, MalformedOrder for values that are missing or exclude each other.
        """
        first, *exits = self.client.send(account_calls.place(self.info, side, symbol, qty, options))
        return Order(first, self.info, self.client, tuple(map(self._order, exits)))

    def buy(self, symbol: str, qty: Amount | None = None, **options: Unpack[OrderOptions]) -> Order:
        """`order("buy", …)`."""
        return self.order("buy", symbol, qty, **options)

    def sell(self, symbol: str, qty: Amount | None = None, **options: Unpack[OrderOptions]) -> Order:
        """`order("sell", …)`; without a position it sells short."""
        return self.order("sell", symbol, qty, **options)

    def orders(
        self,
        *,
        open: bool | None = None,
        symbol: str | None = None,
        side: Side | None = None,
        limit: int | None = None,
        before: Order | None = None,
    ) -> Orders[Order]:
        """Its orders, the newest first: only open or only closed ones, of a symbol, of a side, those before another.

        Of more than `limit` (500, at most 10,000) the newest.
        """
        place = before.id if before else None
        call = account_calls.orders(self.info, open=open, symbol=symbol, side=side, limit=limit, before=place)
        found = self.client.send(call)
        return Orders(map(self._order, found))

    def find_order(self, order_id: str | None = None, *, client_order_id: str | None = None) -> Order:
        """The order with this id, the broker's or the client's. Raises NotFound, and ValueError without either."""
        if client_order_id is not None:
            return self._order(self.client.send(account_calls.order_of_client(self.info, client_order_id)))
        if order_id is None:
            raise ValueError("Give an order's id or its client_order_id.")
        return self._order(self.client.send(account_calls.order(self.info, order_id)))

    def cancel_all(self) -> tuple[str, ...]:
        """Cancel every open order, and wait until that is done. Their ids."""
        return self.client.send(account_calls.cancel_all(self.info))

    # --- positions ---------------------------------------------------------------------------------------

    def positions(self) -> Table[Position]:
        """All of them at their marks."""
        info = self.refresh()
        return Table.of(Position, info.positions, info.clock)

    def position(self, symbol: str) -> Position | None:
        """One of them; None where it holds none of the symbol."""
        return (self.refresh()).position(symbol)

    def close(self, symbol: str, qty: Amount | None = None, *, percentage: Amount | None = None) -> Order:
        """Close a position, or `qty` shares or a percentage of it, with a market order.

        Raises UnknownToBroker where there is none, and NotCovered where open orders hold its shares.
        """
        return self._order(self.client.send(account_calls.close(self.info, symbol, qty, percentage)))

    def close_all(self, *, cancel_orders: bool = False) -> tuple[Closing[Order], ...]:
        """Close every position with a market order, first cancel open orders where asked: of each what became of it."""
        rows = self.client.send(account_calls.close_all(self.info, cancel_orders=cancel_orders))
        return tuple(Closing(row.symbol, self._order(row.order) if row.order else None, row.refusal) for row in rows)

    # --- what it did -------------------------------------------------------------------------------------

    def executions(self) -> Table[Execution]:
        """Every fill with what it met on the tape, the oldest first."""
        return self.client.send(account_calls.executions(self.info))

    def activities(self) -> Table[Activity]:
        """What changed cash or shares without a trade: the opening cash, fees, dividends, splits."""
        return self.client.send(account_calls.activities(self.info))

    def equity_history(self, minutes: int = 1) -> Table[EquityPoint]:
        """What it was worth within trading hours, every so many minutes (1 to 390), of more than 2,000 the newest."""
        return self.client.send(account_calls.equity_history(self.info, minutes))

    def events(self, **options: Unpack[StreamOptions]) -> Iterator[AccountEvent]:
        """What becomes of its orders, as it happens: from now on, with the run, or `after` an event's id.

        Goes on by itself after a lost connection, each event once. See StreamOptions.
        """
        asked: Any = {**options, "accounts": [self.name]}
        return Stream(stream_request(self.info.session, [], **asked), self.client.connect).account_events()

    def _order(self, info: OrderInfo) -> Order:
        return Order(info, self.info, self.client)

    def _learn(self, call: Call[AccountInfo]) -> AccountInfo:
        self.info = self.client.send(call)
        return self.info

    # --- in a notebook -----------------------------------------------------------------------------------

    def _repr_html_(self) -> str:
        try:
            return AccountView(self.refresh())._repr_html_()
        except TapedeckError as error:
            return AccountView(self.info, str(error))._repr_html_()
