"""An order in place of one that is open: what may be changed, and what the new one is checked for."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as changed
from decimal import Decimal
from typing import Any

from broker.entry import rules
from broker.entry.new_orders import expiry_of
from broker.entry.order_form import client_id, number, price
from broker.matching.orders import ZERO, Order
from broker.matching.terms import AUCTIONS, CLOSED, OrderType, Side, Status, TimeInForce
from broker.refusals import against_rule, malformed
from broker.standing import Standing, cost_left

REPLACEABLE = (Status.NEW, Status.PARTIALLY_FILLED, Status.HELD)


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be other; None stays. Without a quantity the new order is for what is left of the old one."""

    client_order_id: str
    qty: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail: Decimal | None = None
    time_in_force: TimeInForce | None = None


def read_changes(body: Any) -> Changes:
    """Raises Refusal."""
    if not isinstance(body, Mapping):
        raise malformed("request body format is invalid")
    tif = body.get("time_in_force") or None
    if tif not in (None, TimeInForce.DAY, TimeInForce.GTC):
        raise malformed("invalid time_in_force")
    return Changes(
        client_order_id=client_id(body),
        qty=number(body, "qty"),
        limit_price=price(body, "limit_price"),
        stop_price=price(body, "stop_price"),
        trail=number(body, "trail"),
        time_in_force=None if tif is None else TimeInForce(tif),
    )


def replacement(standing: Standing, old: Order, changes: Changes, number: int) -> Order:
    """`number`: of the new order. Raises Refusal."""
    if old.status in CLOSED:
        raise against_rule("unable to replace order, order is not open")
    if old.status not in REPLACEABLE or old.notional is not None or old.time_in_force in AUCTIONS:
        raise against_rule("unable to replace order in current state")
    new = changed(
        old,
        id=str(uuid.uuid4()),
        number=number,
        client_order_id=changes.client_order_id,
        replaces=old.id,
        status=Status.PENDING_NEW,
        created_ms=standing.clock_ms,
        submitted_ms=standing.clock_ms,
        updated_ms=standing.clock_ms,
        qty=None if old.qty is None else old.left,
        filled_qty=ZERO,
        filled_value=ZERO,
        filled_ms=None,
        looked=False,
        like_market=False,
        elected=False,
        elected_in=-1,
        exit_of_bar=False,
        waited=False,
    )
    _change(new, changes)
    _check(standing, old, new)
    return new


def _change(new: Order, changes: Changes) -> None:
    if changes.qty is not None:
        if changes.qty != changes.qty.to_integral_value():
            raise against_rule("qty must be a whole number of shares")
        if new.is_exit and changes.qty != new.qty:
            raise against_rule("the qty of an exit follows its entry and its sibling: only its prices can be replaced")
        new.qty = changes.qty
    for name in ("limit_price", "stop_price"):
        if (given := getattr(changes, name)) is not None:
            if getattr(new, name) is None:
                raise against_rule(f"{new.type} orders have no {name.replace('_', ' ')}")
            setattr(new, name, given)
    if changes.trail is not None:
        if new.type is not OrderType.TRAILING_STOP:
            raise against_rule("only trailing stop orders have a trail")
        setattr(new, "trail_price" if new.trail_price is not None else "trail_percent", changes.trail)
    if changes.time_in_force is not None:
        new.time_in_force = changes.time_in_force
    new.expires_ms = expiry_of(new.time_in_force, new.created_ms)


def _check(standing: Standing, old: Order, new: Order) -> None:
    if new.intent.endswith("close") and new.role is None:
        rules.check_shares(standing, new.symbol, new.qty, beside=old.id)
    if old.cost_price is not None:
        if new.limit_price is not None and old.limit_price is not None:
            new.cost_price = max(new.limit_price, old.cost_price) if new.side is Side.SELL else new.limit_price
        assert new.cost_price is not None
        rules.check_cost(standing, new.cost_price * (new.qty or ZERO), freed=cost_left(old))
