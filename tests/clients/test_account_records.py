"""What an account did: its events, executions and figures, as records, frames and a card."""

from __future__ import annotations

import datetime as dt

import pytest

from tapedeck_client import Account, Client, NotAllowed, Session, WaitTimeout, account_calls
from tests.clients.trading import stepped
from tests.web_server import WebServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_it_did_becomes_frames(session: Session, account: Account) -> None:
    account.buy("AAPL", 10)
    stepped(session, 3)
    assert [(row.kind, row.amount, row.note) for row in account.activities()] == [("CSD", 25_000, "opening cash")]
    curve = account.equity_history()
    assert (curve[0].equity, curve[-1].equity, curve[-1].time) == (25_000, account.refresh().equity, account.clock)
    assert len(account.equity_history(minutes=2)) < len(curve)
    assert curve.to_polars()["equity"].to_list()[0] == account.activities().to_pandas()["amount"][0] == 25_000
    assert account.executions().to_pandas()["met_at"].dtype == curve.to_pandas()["time"].dtype
    positions = account.positions()
    assert positions.clock == account.clock and positions.to_polars()["qty"].to_list() == [10]


def test_its_events_come_as_they_happen_and_again_after_a_cursor(session: Session, account: Account) -> None:
    other = session.open_account("other")
    order, resting = account.buy("AAPL", 10), account.buy("AAPL", 1, limit=1)
    kept = account.buy("MSFT", 1, limit=1, time_in_force="gtc")
    other.buy("AAPL", 1)
    stepped(session)
    resting.cancel()
    session.set_speed(0)
    session.resume()
    events = list(account.events(from_start=True))
    assert [(event.event, event.order.id) for event in events] == [
        *[("new", each.id) for each in (order, resting, kept)],
        ("fill", order.id),
        ("canceled", resting.id),
    ]
    fill = events[3]
    assert fill.execution and fill.execution.price == fill.order.filled_average and fill.time == fill.execution.time
    assert list(account.events(after=events[1].id)) == events[2:]
    assert isinstance(fill.time, dt.datetime) and fill.time <= fill.clock
    with pytest.raises(WaitTimeout, match=r"is new, and session .* completed at 2025-07-02 20:00"):
        kept.wait()


def test_an_account_is_shown_in_a_notebook(session: Session, account: Account) -> None:
    account.buy("AAPL", 10)
    stepped(session)
    html = account._repr_html_()
    assert all(text in html for text in ("swing", "equity 2", "AAPL", "buying power", "0 open orders"))
    assert "<script" not in html


def test_who_may_not_trade_is_refused(session: Session, account: Account, web: WebServer, key: str) -> None:
    with (
        Client(web.url, key=key) as reader,
        pytest.raises(NotAllowed, match="An account needs a key of its own: create_api_key --kind broker"),
    ):
        reader.send(account_calls.account(session.id, "swing"))
