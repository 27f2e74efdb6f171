"""Whether a form asks for what an earlier one has brought already."""

from __future__ import annotations

from collections.abc import Sequence

from broker.entry.new_orders import SAME
from broker.entry.order_form import OrderForm
from broker.matching.orders import Order
from broker.matching.terms import OrderClass, Role


def asks_for(form: OrderForm, orders: Sequence[Order]) -> bool:
    """`orders`: the one with the form's client order id, and the exits that it brought."""
    first, *exits = orders
    if any(getattr(first, name) != getattr(form, name) for name in SAME):
        return False
    by_role = {order.role: order for order in exits}
    profit, stop = by_role.get(Role.TAKE_PROFIT), by_role.get(Role.STOP_LOSS)
    wanted = (None if form.order_class is OrderClass.OCO else form.take_profit, form.stop_loss, form.stop_loss_limit)
    return wanted == (profit and profit.limit_price, stop and stop.stop_price, stop and stop.limit_price)
