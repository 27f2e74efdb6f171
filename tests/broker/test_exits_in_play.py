"""The exits of a group, while their session is played."""

from __future__ import annotations

import pytest

from broker import service
from broker.entry.order_form import read_order
from broker.entry.replacing import read_changes
from broker.refusals import Refusal
from streaming.engine.playing.player import Player
from tests.broker.in_play import opened, started, status, step

BUY = {"symbol": "AAPL", "qty": 10, "side": "buy", "type": "market", "time_in_force": "day"}
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def test_an_exit_is_replaced_at_another_price_and_never_for_more_than_it_protects(
    real_days: str, player: Player
) -> None:
    session = started()
    account = opened(session)
    step(session, 5)
    exits = {"take_profit": {"limit_price": "300"}, "stop_loss": {"stop_price": "100"}}
    made = service.place(account.pk, read_order({**BUY, "order_class": "bracket", **exits}))
    step(session, 2)
    assert [status(account, order.id) for order in made] == ["filled", "new", "new"]
    for qty in ("300", "5"):
        with pytest.raises(Refusal, match="qty of an exit"):
            service.replace(account.pk, made[1].id, read_changes({"qty": qty}))
    new = service.replace(account.pk, made[1].id, read_changes({"qty": "10", "limit_price": "310"}))
    assert (new.qty, new.limit_price, new.group_id) == (10, 310, made[0].group_id)
