"""Positions and resting orders over a night in which their symbol splits or pays: AAPL's seven for one of June 2014."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from broker import accounts, service
from broker.accounts import Opening
from broker.entry.order_form import read_order
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
from streaming.starts import service as streams
from streaming.starts.copies import fork
from streaming.starts.request import StartRequest
from streaming.verify.session import verify
from tests.broker.in_play import clock, place, seek, status, step, until

BEFORE, EX = dt.date(2014, 6, 6), dt.date(2014, 6, 9)
ACTIONS = "symbol,ex_date,kind,value\nAAPL,2014-06-09,split,7:1\nAAPL,2014-06-09,dividend,0.5\n"


def held(qty: str, price: str) -> Book:
    state = State(cash=Decimal(1000), positions={"X": Position([(Decimal(qty), Decimal(price))])})
    state.marks["X"] = Decimal(price)
    return Book(state, Terms(), lambda symbol: None)


@pytest.mark.parametrize(
    ("qty", "ratio", "after", "price"),
    [("10", "7", "70", "10"), ("-10", "2", "-20", "35"), ("15", "0.1", "1.5", "700"), ("7", "1.5", "10.5", "46.667")],
)
def test_a_split_changes_shares_and_prices_and_no_value(qty: str, ratio: str, after: str, price: str) -> None:
    book = held(qty, "70")
    go_ex(book, [ExAction("X", ActivityKind.SPLIT, Decimal(ratio))], 5)
    position = book.state.positions["X"]
    assert position.qty == Decimal(after)
    assert round(position.average_entry, 3) == round(book.state.marks["X"], 3) == Decimal(price)
    assert round(position.cost_basis, 6) == Decimal(qty) * 70 and book.state.cash == 1000
    [made] = book.state.activities
    assert (made.kind, made.qty, made.amount) == ("SPLIT", Decimal(after) - Decimal(qty), 0)
    assert State.of(book.state.as_payload()).as_payload() == book.state.as_payload()


@pytest.mark.parametrize(("qty", "paid"), [("10", "5.0"), ("-10", "-5.0")])
def test_a_dividend_is_paid_to_who_is_long_and_by_who_is_short(qty: str, paid: str) -> None:
    book = held(qty, "70")
    go_ex(
        book, [ExAction("X", ActivityKind.DIVIDEND, Decimal("0.5")), ExAction("Y", ActivityKind.SPLIT, Decimal(2))], 5
    )
    [made] = book.state.activities
    assert (made.kind, made.amount, made.per_share) == ("DIV", Decimal(paid), Decimal("0.5"))
    assert book.state.cash == 1000 + Decimal(paid) and book.state.positions["X"].qty == Decimal(qty)


@pytest.fixture
def split(transactional_db: None, sample: Path, tmp_path: Path) -> None:
    files = sorted((sample / "bars" / "lean").glob("AAPL_*"))
    call_command("import_bars", *map(str, files), dataset="lean", verbosity=0)
    (tmp_path / "actions.csv").write_text(ACTIONS)
    call_command("import_actions", str(tmp_path / "actions.csv"), verbosity=0)


def on_the_eve() -> tuple[Session, Account, str]:
    """Ten shares are held, and an order for more rests until it is canceled."""
    request = StartRequest(("AAPL",), BEFORE, EX, dataset="lean", paused=True)
    session = streams.start(request).session
    account = accounts.create(session, Opening(cash=Decimal(50_000)))
    step(session, 5)
    place(account)
    resting = {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "limit", "limit_price": "500", "time_in_force": "gtc"}
    order_id = service.place(account.pk, read_order(resting))[0].id
    step(session, 2)
    assert (held_shares(account), status(account, order_id)) == (10, "new")
    return session, account, order_id


def held_shares(account: Account) -> Decimal:
    return standing(account.pk).state.position("AAPL").qty


def to_the_next_day(session: Session) -> None:
    seek(session, 3, EX)
    until(lambda: bool((at := clock(session)) and at.date() == EX))


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(300)
def test_an_account_goes_over_a_split_and_back(split: None, player: Player) -> None:
    session, account, order_id = on_the_eve()
    bought = standing(account.pk)
    to_the_next_day(session)
    after = standing(account.pk)
    assert held_shares(account) == 70 and after.state.cash == bought.state.cash + 70 * Decimal("0.5")
    assert abs(after.equity - bought.equity) < 200, "no more than AAPL moved"
    [ended] = AccountEvent.objects.filter(account=account, kind="canceled")
    assert "the split of AAPL: 7 for 1" in ended.note and status(account, order_id) == "canceled"
    assert verify(session.pk).problems == []
    instants = [bought.clock_ms, after.clock_ms]
    account.refresh_from_db()
    assert list(equity_at(account, Session.objects.with_run().get(pk=session.pk), instants)) == [
        bought.equity,
        after.equity,
    ]
    seek(session, 60, BEFORE)
    assert (held_shares(account), status(account, order_id)) == (10, "new")
    to_the_next_day(session)
    assert (held_shares(account), status(account, order_id)) == (70, "canceled")
    CorporateAction.objects.all().delete()
    assert verify(session.pk).problems == [], "what a day went ex with is written down with it"


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(300)
def test_a_fork_from_the_morning_after_has_the_new_shares(split: None, player: Player) -> None:
    session, _, _ = on_the_eve()
    to_the_next_day(session)
    copy = fork(session.pk)
    [copied] = Account.objects.filter(session=copy)
    assert State.of(copied.opening).position("AAPL").qty == 70
    assert not Order.objects.filter(account=copied, is_open=True).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(300)
def test_a_bot_reads_what_the_night_brought(split: None, player: Player) -> None:
    session, account, _ = on_the_eve()
    key, secret, _ = accounts.create_key(session, account)
    to_the_next_day(session)
    headers = {"APCA-API-KEY-ID": key.key_id, "APCA-API-SECRET-KEY": secret}

    def ask(address: str) -> Any:
        return Client().get(f"/alpaca/v2/{address}", headers=headers).json()

    div, split_row = ask("account/activities?activity_types=DIV,SPLIT")
    shown = ("activity_type", "symbol", "qty", "net_amount", "per_share_amount", "date")
    assert [div[name] for name in shown] == ["DIV", "AAPL", "70", "35", "0.5", str(EX)]
    assert [split_row.get(name) for name in shown] == ["SPLIT", "AAPL", "60", "0", None, str(EX)]
    [position] = ask("positions")
    assert position["qty"] == "70"
    assert 85 < float(position["lastday_price"]) < 100 and 85 < float(position["avg_entry_price"]) < 100
