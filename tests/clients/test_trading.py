"""Accounts and orders by the client, against a real server and a real worker."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from broker import accounts
from sessions.models import Session as SessionRow
from tapedeck_client import (
    Account,
    AgainstRules,
    Client,
    InvalidRequest,
    MalformedOrder,
    NotAllowed,
    NotCovered,
    NotFound,
    OrderInfo,
    Refused,
    Session,
    UnknownToBroker,
    WaitTimeout,
    account_calls,
)
from tapedeck_client.http_service import send, service_of
from tests.clients.trading import price, stepped
from tests.web_server import WebServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_account_is_opened_with_its_terms_and_set_by_its_owner(session: Session) -> None:
    account = session.open_account("no margin", cash="5000.50", multiplier=1, shorting=False, participation=0.5)
    info = account.info
    assert (account.name, account.cash, account.equity, info.multiplier) == (
        *("no margin", Decimal("5000.5"), Decimal("5000.5")),
        1,
    )
    assert (info.terms.participation, info.terms.on_bars, account.clock) == (
        *(Decimal("0.5"), "next_open"),
        session.clock,
    )
    assert account.configure(suspend_trade=True, max_margin_multiplier=2).settings.max_margin_multiplier == 2
    with pytest.raises(NotCovered, match="rejected by user request"):
        account.buy("AAPL", 1)
    assert not account.configure(suspend_trade=False).settings.suspend_trade
    assert [each.name for each in session.accounts()] == ["no margin"]
    assert session.account("no margin").info == account.refresh()
    with pytest.raises(InvalidRequest, match="has an account 'no margin' already"):
        session.open_account("no margin")
    with pytest.raises(NotFound):
        session.account("other")
    with pytest.raises(TypeError, match="There is no option 'money': there are cash, multiplier"):
        session.open_account("more", money=1)  # type: ignore[call-arg]


def test_a_broker_key_trades_the_one_account_that_it_is_of(web: WebServer, session: Session, account: Account) -> None:
    session.open_account("other")
    row = SessionRow.objects.get(pk=session.id)
    key, secret, _ = accounts.create_key(row, accounts.named(row, "swing"))
    with Client(web.url, key=f"{key.key_id}.{secret}") as client:
        mine = client.session(session.id).account()
        order = mine.buy("AAPL", 10)
        stepped(session)
        assert order.wait().status == "filled" and mine.position("AAPL")
        events = mine.events(from_start=True)
        assert [next(events).event for _ in range(2)] == ["new", "fill"]
        with pytest.raises(NotAllowed, match="trades its account swing, nothing else"):
            client.session(session.id).account("other")
        with pytest.raises(NotAllowed):
            client.session(session.id).pause()
    with pytest.raises(LookupError, match="there is not just one: "):
        session.account()


def test_an_order_is_placed_filled_and_closed(session: Session, account: Account) -> None:
    order = account.buy("aapl", 10)
    assert (order.symbol, order.side, order.qty, order.info.type, order.is_open) == ("AAPL", "buy", 10, "market", True)
    assert order.settle().status == "new"
    with pytest.raises(WaitTimeout, match=r"The order to buy AAPL is new, and session \d+ paused at 2025"):
        order.wait(timeout=0.2)
    stepped(session)
    assert order.wait().status == "filled" and order.filled_qty == 10
    [position] = account.positions()
    assert (position.symbol, position.qty, position.average_entry) == ("AAPL", 10, order.filled_average)
    assert account.position("AAPL") == position and account.position("MSFT") is None
    [execution] = account.executions()
    assert (execution.order_id, execution.basis, execution.price) == (order.id, "bar_open", order.filled_average)
    half = account.close("AAPL", percentage=50)
    assert (half.side, half.qty, half.info.type) == ("sell", 5, "market")
    stepped(session)
    half.wait()
    assert account.close("AAPL", 2).qty == 2
    stepped(session)
    [closing] = account.close_all()
    assert (closing.symbol, closing.refusal, closing.order and closing.order.qty) == ("AAPL", None, 3)
    stepped(session)
    assert not account.positions() and account.info.cash == account.info.equity
    assert [row.qty for row in account.executions()] == [10, 5, 2, 3]
    with pytest.raises(UnknownToBroker, match="position does not exist"):
        account.close("AAPL")


KINDS: dict[str, dict[str, Any]] = {
    "limit": {"limit": Decimal("0.9")},
    "stop": {"stop": Decimal("1.1")},
    "stop_limit": {"stop": Decimal("1.1"), "limit": Decimal("1.2")},
    "trailing_stop": {"trail_percent": 5},
}


def test_orders_of_every_kind_rest_are_replaced_and_canceled(session: Session, account: Account) -> None:
    now = price(session)
    for kind, factors in KINDS.items():
        scaled = {name: round(now * factor, 2) for name, factor in factors.items() if name != "trail_percent"}
        rests_is_replaced_and_canceled(account, kind, {**factors, **scaled})


def rests_is_replaced_and_canceled(account: Account, kind: str, prices: dict[str, Any]) -> None:
    order = account.buy("AAPL", 10, time_in_force="gtc", **prices)
    assert (order.info.type, order.info.time_in_force, order.settle().status) == (kind, "gtc", "new")
    again = order.replace(qty=5, **({"trail": 6} if kind == "trailing_stop" else prices))
    assert (again.qty, again.info.replaces, again.status) == (5, order.id, "new")
    assert (order.refresh().status, order.info.replaced_by) == ("replaced", again.id)
    with pytest.raises(AgainstRules, match="order is not open"):
        order.replace(qty=7)
    assert again.cancel().status == "canceled" and again.wait(0) == again.info
    with pytest.raises(AgainstRules, match='already in "replaced" state'):
        order.cancel()


def test_notional_orders_and_those_of_the_auctions(session: Session, account: Account) -> None:
    amount = account.buy("AAPL", notional="500.25")
    close = account.buy("MSFT", 3, time_in_force="cls")
    at_once = account.buy("MSFT", 1, limit=1, time_in_force="ioc")
    stepped(session)
    assert amount.wait().filled_qty * (amount.filled_average or 0) == pytest.approx(
        Decimal("500.25"), abs=Decimal("0.01")
    )
    assert (at_once.wait().status, close.refresh().status) == ("canceled", "accepted")
    with pytest.raises(NotCovered, match="opg orders must be submitted"):
        account.buy("MSFT", 1, time_in_force="opg")
    with pytest.raises(AgainstRules, match="extended hours order must be"):
        account.buy("AAPL", 1, extended_hours=True)


def test_a_bracket_has_its_exits_and_an_oco_those_of_a_position(session: Session, account: Account) -> None:
    now = price(session)
    above, below = round(now * 2, 2), round(now / 2, 2)
    order = account.buy("AAPL", 10, take_profit=above, stop_loss=below, stop_loss_limit=below - 1)
    assert (order.info.order_class, order.info.role) == ("bracket", "entry")
    assert [(leg.info.role, leg.info.type, leg.status) for leg in order.legs] == [
        ("take_profit", "limit", "held"),
        ("stop_loss", "stop_limit", "held"),
    ]
    assert (order.legs[0].info.limit_price, order.legs[1].info.stop_price) == (above, below)
    stepped(session)
    order.wait()
    assert {leg.refresh().status for leg in order.legs} <= {"new", "held"}
    with pytest.raises(NotCovered, match="insufficient qty available") as refused:
        account.close("AAPL")
    figures = refused.value.figures
    assert (figures["available"], figures["held_for_orders"], figures["symbol"]) == (0, 10, "AAPL")
    assert len(account.cancel_all()) == 2
    oco = account.sell("AAPL", 10, take_profit=above, stop_loss=below, order_class="oco")
    assert (oco.info.order_class, oco.info.type, oco.info.limit_price, len(oco.legs)) == ("oco", "limit", above, 1)
    [closing] = account.close_all(cancel_orders=True)
    stepped(session)
    assert closing.order and closing.order.wait().status == "filled" and not account.orders(open=True)
    oto = account.buy("AAPL", 1, limit=below, stop_loss=below / 2)
    assert (oto.info.order_class, [leg.info.role for leg in oto.legs]) == ("oto", ["stop_loss"])


def test_refusals_have_the_brokers_words_and_figures(session: Session, account: Account) -> None:
    with pytest.raises(NotCovered, match="insufficient buying power") as refused:
        account.buy("AAPL", 1_000_000)
    assert refused.value.status == 409 and refused.value.figures["buying_power"] == 50_000
    assert refused.value.figures["cost_basis"] > 1_000_000
    with pytest.raises(MalformedOrder, match="qty or notional is required"):
        account.buy("AAPL")
    with pytest.raises(AgainstRules, match="sub-penny"):
        account.buy("AAPL", 1, limit="100.123")
    with pytest.raises(AgainstRules, match="stop price must be greater") as against:
        account.buy("AAPL", 1, stop=1)
    assert against.value.figures["stop_price"] == 1
    with pytest.raises(Refused, match="order not found"):
        account.find_order("0" * 8 + "-0000-0000-0000-" + "0" * 12)
    with pytest.raises(TypeError, match="There is no option 'limit_price': there are notional, limit"):
        account.buy("AAPL", 1, limit_price=100)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="limit='cheap' is no number"):
        account.buy("AAPL", 1, limit="cheap")
    with pytest.raises(ValueError, match="give stop_loss too"):
        account.buy("AAPL", 1, stop_loss_limit=1)
    assert not account.orders()


def test_an_id_of_the_clients_is_taken_once_and_a_lost_answer_places_nothing_twice(
    web: WebServer, token: str, session: Session, account: Account
) -> None:
    first = account.buy("AAPL", 1, client_order_id="entry 1")
    with pytest.raises(AgainstRules, match="client_order_id must be unique"):
        account.buy("AAPL", 1, client_order_id="entry 1")
    assert account.find_order(client_order_id="entry 1").id == account.find_order(first.id).id == first.id
    with pytest.raises(NotFound, match="has no order 'entry 2'"):
        account.find_order(client_order_id="entry 2")
    low, high = Decimal(1), Decimal(10_000)
    exits: dict[str, Any] = {"limit": price(session), "take_profit": high, "stop_loss": low}
    placed = [send_twice(web, token, account_calls.place(account.info, "buy", "AAPL", 2, exits))]
    assert [order.role for order in placed[0]] == ["entry", "take_profit", "stop_loss"]
    assert {order.id for order in placed[0]} | {first.id} == {order.id for order in account.orders()}


def send_twice(web: WebServer, token: str, call: Any) -> tuple[OrderInfo, ...]:
    """The first answer does not come."""
    service = service_of(web.url, token, None)
    lost: list[int] = []

    class Losing(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = super().handle_request(request)
            if not lost:
                lost.append(answer.status_code)
                raise httpx.ReadError("the answer is lost")
            return answer

    with httpx.Client(**service.settings(30), transport=Losing()) as http:
        placed: tuple[OrderInfo, ...] = send(service, http, call)
    assert lost == [201]
    return placed


def test_orders_are_listed_by_what_they_are(session: Session, account: Account) -> None:
    made = [account.buy(symbol, 1, limit=1) for symbol in ("AAPL", "MSFT", "AAPL")]
    sold = account.sell("AAPL", 1, limit=10_000)
    made[0].cancel()

    def ids(**wanted: Any) -> list[str]:
        return [order.id for order in account.orders(**wanted)]

    assert ids() == [sold.id, *(order.id for order in reversed(made))]
    assert ids(open=False) == [made[0].id] and ids(symbol="msft") == [made[1].id] and ids(side="sell") == [sold.id]
    assert ids(limit=1) == [sold.id] and ids(before=made[1]) == [made[0].id]
    table = account.orders(open=True).to_pandas()
    assert table["limit_price"].tolist() == [10_000, 1, 1] and str(table["submitted_at"].dtype) == "datetime64[ns, UTC]"
    assert account.orders().to_polars()["status"].to_list()[-1] == "canceled"
