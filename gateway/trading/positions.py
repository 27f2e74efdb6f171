"""`/v2/positions`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from broker import service
from broker.entry.order_form import number
from broker.refusals import Refusal, malformed, unknown
from broker.standing import standing
from gateway.trading.assets import named_asset
from gateway.trading.bot_calls import Answer, Call, refused
from gateway.trading.order_wire import order, position
from gateway.wire.spelling import on_wire


def get_positions(call: Call) -> list[dict[str, Any]]:
    at = standing(call.account_id)
    return [position(at, symbol) for symbol in sorted(at.state.positions)]


def get_position(call: Call, name: str) -> dict[str, Any]:
    at, symbol = standing(call.account_id), _symbol(call, name)
    if symbol not in at.state.positions:
        raise unknown("position does not exist")
    return position(at, symbol)


def delete_position(call: Call, name: str) -> dict[str, Any]:
    qty, percentage = number(call.query, "qty"), number(call.query, "percentage")
    if qty is not None and percentage is not None:
        raise malformed("only one of qty or percentage is accepted")
    return order(service.close_position(call.account_id, _symbol(call, name), qty, percentage))


def delete_positions(call: Call) -> Answer:
    cancel = call.query.get("cancel_orders", "").lower() == "true"
    rows: list[dict[str, Any]] = []
    for symbol, made in service.close_all(call.account_id, cancel_orders=cancel):
        if isinstance(made, Refusal):
            body, status, _ = refused(made)
            rows.append({"symbol": on_wire(symbol), "status": int(status), "body": {"symbol": on_wire(symbol), **body}})
        else:
            rows.append({"symbol": on_wire(symbol), "status": 200, "body": order(made)})
    return Answer(rows, HTTPStatus.MULTI_STATUS)


def _symbol(call: Call, name: str) -> str:
    return named_asset(call.session, name) or name
