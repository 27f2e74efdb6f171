"""The requests of accounts, their orders and positions. Both clients send the same ones."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from tapedeck_client.calls import Call, given
from tapedeck_client.decoding import decode
from tapedeck_client.errors import NotFound
from tapedeck_client.opening_options import OpeningOptions, SettingsOptions
from tapedeck_client.order_options import Amount, Side, known, order_body, replacement_body, wire_amount
from tapedeck_client.tables import Table
from tapedeck_client.trading_records import AccountInfo, Activity, EquityPoint, Execution, OrderInfo

R = TypeVar("R")
MONEY = ("cash", "stale_seconds", "participation")
"""Numbers of an opening that may have a fraction."""


@dataclass(frozen=True, slots=True)
class ClosedPosition:
    """A position that was asked to be closed: the order, or why there is none."""

    symbol: str
    order: OrderInfo | None
    refusal: str | None


def _of_session(session_id: int) -> str:
    return f"api/sessions/{session_id}/accounts/"


def _path(account: AccountInfo, *parts: str) -> str:
    return _of_session(account.session) + "".join(f"{quote(part, safe='')}/" for part in (account.name, *parts))


def _info(row: Mapping[str, Any]) -> AccountInfo:
    return decode(AccountInfo, row)


def _order(row: Mapping[str, Any]) -> OrderInfo:
    return decode(OrderInfo, row)


def _orders(rows: Iterable[Mapping[str, Any]]) -> tuple[OrderInfo, ...]:
    return tuple(map(_order, rows))


def accounts(session_id: int) -> Call[tuple[AccountInfo, ...]]:
    return Call("GET", _of_session(session_id), lambda rows: tuple(map(_info, rows)))


def account(session_id: int, name: str) -> Call[AccountInfo]:
    return Call("GET", f"{_of_session(session_id)}{quote(name, safe='')}/", _info)


def open_account(session_id: int, name: str, opening: Mapping[str, Any]) -> Call[AccountInfo]:
    known(opening, OpeningOptions)
    amounts = {key: wire_amount(key, opening[key]) for key in MONEY if opening.get(key) is not None}
    return Call("POST", _of_session(session_id), _info, body={**given(name=name, **opening), **amounts})


def configure(account: AccountInfo, changes: Mapping[str, Any]) -> Call[AccountInfo]:
    known(changes, SettingsOptions)
    body = given(**changes)
    if "max_margin_multiplier" in body:
        body["max_margin_multiplier"] = str(body["max_margin_multiplier"])
    return Call("PATCH", _path(account), _info, body=body)


def place(
    account: AccountInfo, side: Side, symbol: str, qty: Amount | None, options: Mapping[str, Any]
) -> Call[tuple[OrderInfo, ...]]:
    """The order, and behind it the exits that it brings. It carries a key: sent again, it places no second order."""
    body = order_body(side, symbol, qty, options)
    return Call("POST", _path(account, "orders"), _orders, body=body, key=str(uuid.uuid4()))


def orders(account: AccountInfo, **query: Any) -> Call[tuple[OrderInfo, ...]]:
    words = {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()}
    return Call("GET", _path(account, "orders"), _orders, query=given(**words))


def order(account: AccountInfo, order_id: str) -> Call[OrderInfo]:
    return Call("GET", _path(account, "orders", order_id), _order)


def order_of_client(account: AccountInfo, client_order_id: str) -> Call[OrderInfo]:
    def read(rows: Any) -> OrderInfo:
        if not rows:
            raise NotFound(404, "Not Found", f"Account {account.name} has no order {client_order_id!r} of its client.")
        return _order(rows[0])

    return Call("GET", _path(account, "orders"), read, query={"client_order_id": client_order_id})


def replace(account: AccountInfo, order_id: str, changes: Mapping[str, Any]) -> Call[OrderInfo]:
    return Call("PATCH", _path(account, "orders", order_id), _order, body=replacement_body(changes))


def cancel(account: AccountInfo, order_id: str) -> Call[None]:
    return Call("DELETE", _path(account, "orders", order_id), lambda _: None)


def cancel_all(account: AccountInfo) -> Call[tuple[str, ...]]:
    return Call("DELETE", _path(account, "orders"), lambda row: tuple(row["canceled"]))


def close(account: AccountInfo, symbol: str, qty: Amount | None, percentage: Amount | None) -> Call[OrderInfo]:
    amounts = given(qty=qty, percentage=percentage)
    query = {name: wire_amount(name, value) for name, value in amounts.items()}
    return Call("DELETE", _path(account, "positions", symbol), _order, query=query)


def close_all(account: AccountInfo, *, cancel_orders: bool) -> Call[tuple[ClosedPosition, ...]]:
    query = {"cancel_orders": str(cancel_orders).lower()}
    return Call(
        "DELETE",
        _path(account, "positions"),
        lambda rows: tuple(decode(ClosedPosition, row) for row in rows),
        query=query,
    )


def executions(account: AccountInfo) -> Call[Table[Execution]]:
    return _table(account, "executions", Execution)


def activities(account: AccountInfo) -> Call[Table[Activity]]:
    return _table(account, "activities", Activity)


def equity_history(account: AccountInfo, minutes: int) -> Call[Table[EquityPoint]]:
    return _table(account, "equity", EquityPoint, minutes=minutes)


def _table(account: AccountInfo, what: str, kind: type[R], **query: Any) -> Call[Table[R]]:
    def read(rows: Iterable[Mapping[str, Any]]) -> Table[R]:
        return Table.of(kind, (decode(kind, row) for row in rows))

    return Call("GET", _path(account, what), read, query=query)
