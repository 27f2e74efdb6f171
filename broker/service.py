"""The verbs of an account: each is checked and written down as a request, which the session's worker picks up."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Any, NamedTuple

import orjson
from django.db import connection, transaction

from broker import configurations
from broker.account_writer import REQUESTS, orders_written
from broker.corporate_actions import BECAME
from broker.entry import rules
from broker.entry.new_orders import market_form, orders_of
from broker.entry.order_form import OrderForm
from broker.entry.repeating import asks_for
from broker.entry.replacing import Changes, replacement
from broker.matching.orders import Order
from broker.matching.terms import Side, Status
from broker.models import Account, Request
from broker.models import Order as OrderRow
from broker.refusals import Refusal, against_rule, busy, forbidden, malformed, unknown
from broker.standing import Standing, locked
from sessions import wakeup
from sessions.models import LIVE, Session
from sessions.whole_rows import execute
from streaming.engine.frames.frame_id import moment

TAKEN_WITHIN_SECONDS = 5.0
# What a new order needs of its account, and of its symbol, in one trip: behind `BECAME`.
BEFORE_AN_ORDER = """
SELECT EXISTS (SELECT FROM broker_order
                WHERE account_id = %(account)s AND client_order_id = %(client_order_id)s AND voided_in IS NULL),
       (SELECT jsonb_agg(body ORDER BY number) FROM broker_request
         WHERE account_id = %(account)s AND kind = 'settings' AND voided_in IS NULL),
       (SELECT max(number) FROM broker_order WHERE account_id = %(account)s),
       (SELECT max(number) FROM broker_request WHERE account_id = %(account)s),
       (SELECT new_symbol FROM became)
"""


def place(account_id: int, form: OrderForm, key: str | None = None) -> list[Order]:
    """A new order, and behind it the exits that it brings. Raises Refusal.

    `key`: the caller's, of a request that may come twice as its answer was lost: the second gets the first's orders.
    """
    with locked(account_id) as standing:
        try:
            return place_as(standing, form, key)
        except Refusal:
            if key and (made := _placed_with(standing.account, form, key)):
                return made
            raise


def _placed_with(account: Account, form: OrderForm, key: str) -> list[Order]:
    rows = OrderRow.objects.filter(account=account, voided_in=None)
    if not rows.filter(client_order_id=form.client_order_id).exists():
        return []  # the usual refusal: no request needs to be looked for
    request = Request.objects.filter(account=account, kind=Request.Kind.PLACE, voided_in=None, body__key=key).first()
    if request is None or not asks_for(form, [Order.of(payload) for payload in request.brought]):
        return []
    made = rows.filter(uuid__in=[payload["id"] for payload in request.brought])
    return [row.working for row in made.order_by("number")]


def place_as(standing: Standing, form: OrderForm, key: str | None = None) -> list[Order]:
    """Likewise of an account that is locked, as it stands."""
    require_live(standing.session)
    numbers = _numbers(standing, form.symbol, form.client_order_id)
    rules.check(standing, form)
    orders = orders_of(standing, form, numbers.order)
    asked = {"orders": [order.as_payload() for order in orders], **({"key": key} if key else {})}
    _write(standing, Request.Kind.PLACE, asked, orders, numbers.request)
    return orders


class Numbers(NamedTuple):
    """The next ones of an account."""

    order: int
    request: int


def _numbers(standing: Standing, symbol: str, client_order_id: str) -> Numbers:
    """Of an account that is locked, whose settings are read along.

    Raises Refusal where the client's id is taken, or the symbol has become another and trades no more.
    """
    account, session = standing.account, standing.session
    today = session.calendar.session_date_of(moment(standing.clock_ms))
    asked: dict[str, Any] = {"account": account.pk, "client_order_id": client_order_id, "symbols": [symbol]}
    with connection.cursor() as cursor:
        cursor.execute(BECAME + BEFORE_AN_ORDER, asked | {"today": today, "dataset": session.dataset_id})
        taken, changes, *last, became = cursor.fetchone()
    standing.settings = configurations.of(account, orjson.loads(changes or "[]"))
    if taken:
        raise against_rule("client_order_id must be unique")
    if became:
        raise against_rule(f'asset "{symbol}" is not tradable', symbol=symbol, new_symbol=became)
    return Numbers(*((number or 0) + 1 for number in last))


def require_live(session: Session) -> None:
    if session.state not in LIVE or session.stop_requested:
        raise forbidden(f"session {session.pk} is {session.state}: it takes no more orders")


def cancel(account_id: int, order_id: str) -> None:
    """Cancel one order, and wait until that is done. Of a canceled order it changes nothing. Raises Refusal."""
    with locked(account_id) as standing:
        row = find(standing.account, order_id)
        if row.status == Status.CANCELED:
            return
        if not row.is_open:
            raise against_rule(f'order is already in "{row.status}" state')
        request = _cancel(standing, [row])
    await_taken(request)


def cancel_all(account_id: int) -> list[str]:
    """Cancel all open orders; returns their ids."""
    with locked(account_id) as standing:
        rows = list(OrderRow.objects.filter(account=standing.account, is_open=True, voided_in=None).order_by("number"))
        if not rows:
            return []
        request = _cancel(standing, rows)
    await_taken(request)
    return [str(row.uuid) for row in rows]


def _cancel(standing: Standing, rows: Sequence[OrderRow]) -> Request:
    require_live(standing.session)
    return _write(standing, Request.Kind.CANCEL, {"order_ids": [str(row.uuid) for row in rows]}, [])


def replace(account_id: int, order_id: str, changes: Changes) -> Order:
    """A new order in place of an open one; waits until it is picked up. Raises Refusal."""
    with locked(account_id) as standing:
        require_live(standing.session)
        row = find(standing.account, order_id)
        numbers = _numbers(standing, row.symbol, changes.client_order_id)
        new = replacement(standing, row.working, changes, numbers.order)
        payload = new.as_payload()
        if changes.qty is None:
            payload.pop("qty", None)  # for what is left when the request arrives
        request = _write(
            standing, Request.Kind.REPLACE, {"order_id": order_id, "order": payload}, [new], numbers.request
        )
    await_taken(request)
    return OrderRow.objects.get(account_id=account_id, uuid=new.id).working


def configure(account_id: int, changes: dict[str, Any]) -> None:
    """Settings of the account's owner. They hold from now on, and go back with the clock."""
    with locked(account_id) as standing:
        _write(standing, Request.Kind.SETTINGS, changes, [])


def close_position(account_id: int, symbol: str, qty: Decimal | None, percentage: Decimal | None) -> Order:
    """A market order against a position, or a part of it. Raises Refusal."""
    with locked(account_id) as standing:
        return _close(standing, symbol, qty, percentage)


def close_all(account_id: int, *, cancel_orders: bool) -> list[tuple[str, Order | Refusal]]:
    """Close every position; of each the order, or why there is none."""
    if cancel_orders:
        cancel_all(account_id)
    made: list[tuple[str, Order | Refusal]] = []
    with locked(account_id) as standing:
        symbols = sorted(standing.state.positions)
    for symbol in symbols:
        try:
            made.append((symbol, close_position(account_id, symbol, None, None)))
        except Refusal as refusal:
            made.append((symbol, refusal))
    return made


def _close(standing: Standing, symbol: str, qty: Decimal | None, percentage: Decimal | None) -> Order:
    held = standing.position(symbol).qty
    if not held:
        raise unknown("position does not exist")
    if percentage is not None:
        if not 0 < percentage <= 100:
            raise malformed(f"percentage must be above 0 and at most 100, not {percentage:f}")
        share = abs(held) * percentage / 100
        whole = held == held.to_integral_value()
        qty = share.quantize(Decimal(1) if whole else Decimal("1e-9"), ROUND_DOWN)
        if not qty:
            raise malformed("qty must be > 0")
    rules.check_shares(standing, symbol, qty if qty is not None else abs(held))
    side = Side.SELL if held > 0 else Side.BUY
    return place_as(standing, market_form(symbol, side, qty if qty is not None else abs(held)))[0]


def find(account: Account, order_id: str) -> OrderRow:
    """Raises Refusal."""
    try:
        row = OrderRow.objects.filter(account=account, uuid=uuid.UUID(order_id), voided_in=None).first()
    except ValueError:
        row = None
    if row is None:
        raise unknown(f"order not found for {order_id[:64]}")
    return row


def _write(
    standing: Standing, kind: str, body: dict[str, Any], orders: Sequence[Order], number: int | None = None
) -> Request:
    """The request and its orders, in the account's transaction; the session's worker is woken by it."""
    account = standing.account
    if number is None:
        last = Request.objects.filter(account=account).order_by("-number").values_list("number", flat=True).first()
        number = (last or 0) + 1
    request = Request(account=account, number=number, kind=kind, body=body, made_ms=standing.clock_ms)
    execute(REQUESTS.insert([request]) + orders_written(account.pk, orders))
    transaction.on_commit(lambda: wakeup.send_request(account.session_id))
    return request


def await_taken(request: Request) -> None:
    """Until the worker has taken it up: whoever got the answer sees what came of it. Raises Refusal."""
    until = time.monotonic() + TAKEN_WITHIN_SECONDS
    written = Request.objects.filter(account=request.account_id, number=request.number)
    while not written.exclude(taken_ms=None).exists():
        if time.monotonic() > until:
            raise busy("the session's worker does not answer: the request waits for it")
        time.sleep(0.004)
