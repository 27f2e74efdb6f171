"""Positions and resting orders over a night after which their symbol is another."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from broker import accounts, reports
from broker.equity import equity_at
from broker.matching.activity import ActivityKind
from broker.matching.book import Book
from broker.matching.ex_actions import ExAction, go_ex
from broker.matching.lots import Position
from broker.matching.state import State
from broker.matching.terms import Terms
from broker.models import Account, AccountEvent, Order
from broker.standing import standing
from marketdata.models import CorporateAction
from sessions.models import Session
from streaming.engine.playing.player import Player
from streaming.starts.copies import fork
from streaming.verify.session import verify
from tests.broker.in_play import seek, status
from tests.broker.test_splits_and_dividends import BEFORE, EX, on_the_eve, to_the_next_day

CHANGE = "symbol,ex_date,kind,value\nAAPL,2014-06-09,symbol,TWX\n"


def book_of(**held: tuple[int, int]) -> Book:
    positions = {symbol: Position([(Decimal(qty), Decimal(price))]) for symbol, (qty, price) in held.items()}
    return Book(State(cash=Decimal(1000), positions=positions), Terms(), lambda symbol: None)


def changed(book: Book, *names: tuple[str, str]) -> dict[str, tuple[Decimal, Decimal]]:
    actions = [ExAction(old, ActivityKind.NAME_CHANGE, new_symbol=new) for old, new in names]
    go_ex(book, [ExAction.of(action.as_payload()) for action in actions], 5)
    return {symbol: (each.qty, each.average_entry) for symbol, each in book.state.positions.items()}


def test_a_position_moves_with_its_quantity_and_cost() -> None:
    book = book_of(OLD=(10, 70), X=(-3, 5))
    assert changed(book, ("OLD", "NEW")) == {"NEW": (10, 70), "X": (-3, 5)}
    assert [(each.kind, each.symbol, each.qty) for each in book.state.activities] == [
        ("NC", "OLD", -10),
        ("NC", "NEW", 10),
    ]
    assert book.state.cash == 1000


@pytest.mark.parametrize(
    ("held", "after"),
    [
        ({"A": (10, 70), "B": (5, 20)}, {"B": (10, 70), "C": (5, 20)}),
        ({"A": (10, 70)}, {"B": (10, 70)}),
        ({"B": (5, 20)}, {"C": (5, 20)}),
    ],
)
def test_a_new_symbol_may_be_anothers_old_one(held: Any, after: Any) -> None:
    assert changed(book_of(**held), ("A", "B"), ("B", "C")) == after


def test_a_position_joins_one_that_is_held_in_the_new_symbol() -> None:
    assert changed(book_of(A=(10, 70), B=(10, 50)), ("A", "B")) == {"B": (20, 60)}
    assert changed(book_of(A=(10, 70), B=(-4, 50)), ("A", "B"))["B"][0] == 6
    assert changed(book_of(A=(10, 70), B=(-10, 50)), ("A", "B")) == {}


@pytest.fixture
def change(transactional_db: None, sample: Path, tmp_path: Path) -> None:
    files = [path for name in ("AAPL", "TWX") for path in sorted((sample / "bars" / "lean").glob(f"{name}_*"))]
    call_command("import_bars", *map(str, files), dataset="lean", verbosity=0)
    (tmp_path / "actions.csv").write_text(CHANGE)
    call_command("import_actions", str(tmp_path / "actions.csv"), verbosity=0)


def shares(account: Account) -> dict[str, Decimal]:
    return {symbol: held.qty for symbol, held in standing(account.pk).state.positions.items()}


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(300)
def test_an_account_goes_over_a_change_of_symbol_and_back(change: None, player: Player) -> None:
    session, account, order_id = on_the_eve()
    bought = standing(account.pk)
    seek(session, 389, BEFORE)
    assert shares(account) == {"AAPL": 10}, "never before the date"
    to_the_next_day(session)
    after = standing(account.pk)
    assert shares(account) == {"TWX": 10} and after.state.cash == bought.state.cash
    assert after.state.position("TWX").cost_basis == bought.state.position("AAPL").cost_basis
    [ended] = AccountEvent.objects.filter(account=account, kind="canceled")
    assert "from AAPL to TWX" in ended.note and status(account, order_id) == "canceled"
    assert verify(session.pk).problems == []
    account.refresh_from_db()
    played = Session.objects.with_run().get(pk=session.pk)
    assert list(equity_at(account, played, [bought.clock_ms, after.clock_ms])) == [bought.equity, after.equity]
    [copied] = Account.objects.filter(session=fork(session.pk))
    assert State.of(copied.opening).positions.keys() == {"TWX"}
    seek(session, 60, BEFORE)
    assert (shares(account), status(account, order_id)) == ({"AAPL": 10}, "new")
    to_the_next_day(session)
    CorporateAction.objects.all().delete()
    assert (shares(account), verify(session.pk).problems) == ({"TWX": 10}, [])


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(300)
def test_everybody_sees_the_new_symbol(change: None, player: Player) -> None:
    session, account, _ = on_the_eve()
    key, secret, _ = accounts.create_key(session, account)
    to_the_next_day(session)
    headers = {"APCA-API-KEY-ID": key.key_id, "APCA-API-SECRET-KEY": secret}

    def ask(address: str) -> Any:
        return Client().get(f"/alpaca/v2/{address}", headers=headers).json()

    [position] = ask("positions")
    assert (position["symbol"], position["qty"]) == ("TWX", "10")
    assert float(position["lastday_price"]) > 600, "the close that it had under the old symbol"
    assert ask("positions/AAPL")["message"] == "position does not exist"
    come, go = ask("account/activities/NC")
    names = ("activity_type", "symbol", "qty", "net_amount", "date")
    assert [come[name] for name in names] == ["NC", "TWX", "10", "0", str(EX)]
    assert [go[name] for name in names] == ["NC", "AAPL", "-10", "0", str(EX)]
    assert [row["symbol"] for row in reports.positions(standing(account.pk))] == ["TWX"]
    out = StringIO()
    call_command("account_status", str(session.pk), account=account.name, stdout=out)
    assert "TWX" in out.getvalue() and "AAPL" not in out.getvalue()
    assert not Order.objects.filter(account=account, is_open=True).exists()
    assert dt.date.fromisoformat(come["date"]) == EX


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(300)
def test_a_symbol_that_has_become_another_is_not_tradable(
    change: None, sample: Path, player: Player, tmp_path: Path
) -> None:
    old = sorted((sample / "bars" / "lean").glob("IBM_*"))
    call_command("import_bars", *map(str, old), dataset="lean", verbosity=0)
    (tmp_path / "later.csv").write_text(
        "symbol,ex_date,kind,value\nIBM,2014-06-02,symbol,IBX\nTWX,2014-06-09,symbol,T\n"
    )
    call_command("import_actions", str(tmp_path / "later.csv"), verbosity=0)
    session, account, _ = on_the_eve()
    key, secret, _ = accounts.create_key(session, account)
    headers = {"APCA-API-KEY-ID": key.key_id, "APCA-API-SECRET-KEY": secret}
    order = {"symbol": "IBM", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
    refused = Client().post("/alpaca/v2/orders", order, "application/json", headers=headers)
    assert refused.status_code == 422
    assert refused.json() == {
        "code": 42210000,
        "message": 'asset "IBM" is not tradable',
        "symbol": "IBM",
        "new_symbol": "IBX",
    }
    assert (
        Client().post("/alpaca/v2/orders", order | {"symbol": "TWX"}, "application/json", headers=headers).status_code
        == 200
    )

    def assets(query: str) -> dict[str, tuple[str, bool]]:
        rows = Client().get(f"/alpaca/v2/assets{query}", headers=headers).json()
        return {row["symbol"]: (row["status"], row["tradable"]) for row in rows}

    active = ("active", True)
    assert assets("") == {"AAPL": active, "IBM": ("inactive", False), "TWX": active}
    assert assets("?status=active").keys() == {"AAPL", "TWX"} and assets("?status=inactive").keys() == {"IBM"}
    assert Client().get("/alpaca/v2/assets/IBM", headers=headers).json()["status"] == "inactive"
