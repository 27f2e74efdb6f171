"""Accounts by the API, the command line and the admin."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.authtoken.models import Token

from broker.models import Account, AccountKey
from broker.refusals import Refusal
from sessions.models import Session
from streaming.engine.playing.player import Player
from tests.broker.in_play import opened, place, started, status, step, until
from web.api.order_serializers import OrderSerializer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def user(*codenames: str) -> dict[str, str]:
    made = User.objects.create_user(f"user{User.objects.count()}", password="secret")
    made.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return {"authorization": f"Token {Token.objects.create(user=made).key}"}


def ask(method: str, address: str, headers: dict[str, str], body: Any = None) -> Any:
    return getattr(Client(), method)(address, data=body, content_type="application/json", headers=headers)


def test_an_account_is_opened_traded_and_read_by_the_api(real_days: str, player: Player) -> None:
    session = started()
    base = f"/api/sessions/{session.pk}/accounts/"
    trader = user("view_account", "add_account", "trade_account")
    made = ask("post", base, trader, {"name": "swing", "cash": "25000"})
    assert (made.status_code, made.json()["equity"]) == (201, "25000")
    step(session, 5)
    order = {"symbol": "aapl", "qty": 10, "side": "buy", "type": "market", "time_in_force": "day"}
    [placed] = ask("post", f"{base}swing/orders/", trader, order).json()
    assert set(placed) == set(OrderSerializer().fields), "as the API's documents say"
    step(session)
    assert [row["status"] for row in ask("get", f"{base}swing/orders/?open=false", trader).json()] == ["filled"]
    [position] = ask("get", f"{base}swing/", trader).json()["positions"]
    assert (position["symbol"], position["qty"]) == ("AAPL", "10")
    [execution] = ask("get", f"{base}swing/executions/", trader).json()
    assert (execution["basis"], execution["order_id"]) == ("bar_open", placed["id"])
    rows = list(csv.DictReader(io.StringIO(ask("get", f"{base}swing/executions/?form=csv", trader).content.decode())))
    assert [row["price"] for row in rows] == [execution["price"]]
    curve = ask("get", f"{base}swing/equity/", trader).json()
    assert [curve[0]["equity"], len(curve)] == ["25000", 7]
    assert ask("get", base, user("view_session")).status_code == 403
    assert ask("post", f"{base}swing/orders/", user("view_account"), order).status_code == 403


def test_an_order_that_is_sent_again_with_its_key_is_placed_once(real_days: str, player: Player) -> None:
    """Also by a client that gives no client order id: then the key stands for it."""
    session = started()
    opened(session)
    step(session, 5)
    address = f"/api/sessions/{session.pk}/accounts/account 1/orders/"
    order = {"symbol": "AAPL", "qty": 10, "side": "buy", "type": "limit", "limit_price": "50", "time_in_force": "gtc"}
    trader = {**user("view_account", "trade_account"), "Idempotency-Key": "k-1"}
    first, again = (ask("post", address, trader, order) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert [row["id"] for row in again.json()] == [row["id"] for row in first.json()]
    assert len(ask("get", address, trader).json()) == 1
    other = ask("post", address, trader, {**order, "qty": 11})
    assert (other.status_code, other.json()["detail"]) == (422, "client_order_id must be unique")
    assert ask("post", address, {**trader, "Idempotency-Key": "k-2"}, order).json()[0]["id"] != first.json()[0]["id"]


def test_orders_are_replaced_and_cancelled_and_positions_closed_by_the_api(real_days: str, player: Player) -> None:
    session = started()
    opened(session)
    step(session, 5)
    trader, base = user("view_account", "trade_account"), f"/api/sessions/{session.pk}/accounts/account 1/"
    order = {"symbol": "AAPL", "qty": 10, "side": "buy", "type": "limit", "limit_price": "50", "time_in_force": "gtc"}
    [first] = ask("post", f"{base}orders/", trader, order).json()
    one = f"{base}orders/{first['id']}/"
    until(lambda: ask("get", one, trader).json()["status"] == "new")
    new = ask("patch", one, trader, {"limit_price": "60", "qty": 20}).json()
    assert (new["replaces"], new["qty"], new["limit_price"], new["time_in_force"]) == (first["id"], "20", "60", "gtc")
    assert ask("get", one, trader).json()["replaced_by"] == new["id"]
    assert ask("patch", one, trader, {"qty": 5}).json()["detail"] == "unable to replace order, order is not open"
    assert ask("patch", f"{base}orders/{new['id']}/", trader, {"stop_price": "5"}).status_code == 422
    assert ask("delete", f"{base}orders/", trader).json() == {"canceled": [new["id"]]}
    assert ask("get", f"{base}orders/?open=true", trader).json() == []
    ask("post", f"{base}orders/", trader, {**order, "type": "market", "limit_price": None, "time_in_force": "day"})
    step(session)
    position = f"{base}positions/aapl/"
    assert ask("delete", f"{position}?qty=5&percentage=50", trader).status_code == 400
    half = ask("delete", f"{position}?percentage=50", trader).json()
    assert (half["side"], half["type"], half["qty"]) == ("sell", "market", "5")
    assert ask("delete", position, user("view_account")).status_code == 403
    assert ask("delete", f"{base}positions/MSFT/", trader).status_code == 404


def test_its_owner_sets_an_account_by_the_api_and_by_a_command(
    real_days: str, player: Player, capsys: pytest.CaptureFixture[str]
) -> None:
    session = started()
    account = opened(session)
    step(session, 5)
    trader, address = user("view_account", "trade_account"), f"/api/sessions/{session.pk}/accounts/account 1/"
    changed = ask("patch", address, trader, {"no_shorting": True}).json()["settings"]
    assert changed == {
        "fractional_trading": True,
        "max_margin_multiplier": "4",
        "no_shorting": True,
        "suspend_trade": False,
    }
    with pytest.raises(Refusal, match="not allowed to short"):
        place(account, "sell")
    assert ask("patch", address, trader, {"max_margin_multiplier": "3"}).status_code == 400
    assert ask("patch", address, trader, {"cash": 1}).status_code == 400
    assert ask("patch", address, user("view_account"), {"no_shorting": False}).status_code == 403
    call_command("set_account", session.pk, suspend_trade="yes", no_shorting="no")
    assert "suspend trade yes" in capsys.readouterr().out
    with pytest.raises(Refusal, match="rejected by user request"):
        place(account)
    with pytest.raises(CommandError, match="Nothing to set"):
        call_command("set_account", session.pk)
    call_command("set_account", session.pk, max_margin_multiplier="1", json=True)
    assert json.loads(capsys.readouterr().out)["settings"]["max_margin_multiplier"] == "1"


def test_a_refused_order_is_a_problem_that_says_why(real_days: str, player: Player) -> None:
    session = started()
    opened(session)
    step(session)
    trader = user("view_account", "trade_account")
    address = f"/api/sessions/{session.pk}/accounts/account 1/orders/"
    order = {"symbol": "AAPL", "qty": 1_000_000, "side": "buy", "type": "market", "time_in_force": "day"}
    answer = ask("post", address, trader, order)
    assert (answer.status_code, answer.json()["detail"]) == (409, "insufficient buying power")
    assert ask("post", address, trader, order | {"qty": "ten"}).status_code == 400
    assert ask("delete", f"{address}{'0' * 8}-0000-0000-0000-{'0' * 12}/", trader).status_code == 404


def test_the_commands_show_the_account_its_orders_and_executions(
    real_days: str, player: Player, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    session = started()
    account = opened(session)
    step(session, 5)
    order_id = place(account)
    step(session)
    until(lambda: status(account, order_id) == "filled")
    call_command("account_status", session.pk)
    assert "AAPL" in capsys.readouterr().out
    call_command("account_status", session.pk, json=True)
    assert json.loads(capsys.readouterr().out)["positions"][0]["qty"] == "10"
    call_command("list_orders", session.pk)
    assert "filled" in capsys.readouterr().out
    call_command("list_orders", session.pk, open=True)
    assert capsys.readouterr().out == "No orders.\n"
    call_command("export_executions", session.pk, out=tmp_path / "fills.csv")
    assert "bar_open" in (tmp_path / "fills.csv").read_text()


def test_a_key_is_made_with_its_account_and_several_are_to_be_chosen_from(
    real_days: str, player: Player, capsys: pytest.CaptureFixture[str]
) -> None:
    session = started()
    with pytest.raises(CommandError, match="has no account: make one with create_api_key"):
        call_command("account_status", session.pk)
    call_command("create_api_key", session.pk, kind="broker", account="swing", cash=5000, json=True)
    made = json.loads(capsys.readouterr().out)
    assert (made["account"], Account.objects.get().cash) == ("swing", 5000)
    assert AccountKey.objects.get(key__key_id=made["key_id"]).account.name == "swing"
    with pytest.raises(CommandError, match="--cash is for a new one"):
        call_command("create_api_key", session.pk, kind="broker", account="swing", cash=1)
    with pytest.raises(CommandError, match="participation of 2"):
        call_command("create_api_key", session.pk, kind="broker", participation=2)
    call_command("create_api_key", session.pk, kind="broker")
    with pytest.raises(CommandError, match="choose one with --account, of swing, account 2"):
        call_command("list_orders", session.pk)


def test_the_admin_lists_accounts_orders_and_what_became_of_them(
    real_days: str, player: Player, admin_client: Client
) -> None:
    session: Session = started()
    account = opened(session)
    step(session, 5)
    place(account)
    step(session)
    for page, text in (
        ("account/", "account 1"),
        (f"account/{account.pk}/change/", "10 AAPL at"),
        (f"account/{account.pk}/change/", ">100,000.00<"),
        ("order/", "filled"),
        ("accountevent/", "bar_open"),
    ):
        answer = admin_client.get(f"/admin/broker/{page}")
        content = answer.content.decode()
        assert (answer.status_code, text in "".join(content.split("\n"))) == (200, True), page
        assert "last_equity" not in content, "what is kept inside is for nobody to read"
