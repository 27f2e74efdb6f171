"""Trading on the session's page, in a real browser: by hand, by keyboard, from the chart."""

from __future__ import annotations

import datetime as dt
import subprocess

import pytest
from django.contrib.auth.models import Permission, User
from playwright.sync_api import Locator, Page, expect

from broker import accounts
from broker.accounts import Opening
from broker.matching.terms import OnBars, Terms
from broker.models import Account, Order
from sessions import control
from sessions.models import Session
from tests.broker.in_play import place, status
from tests.browser.conftest import OpenPage
from tests.browser.watching import NEW_YORK, a_sample_session, address_of, legend_on, until

Worker = subprocess.Popen[bytes]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sample_days")]


def an_account(session: Session, name: str = "hand") -> Account:
    return accounts.create(session, Opening(name, terms=Terms(on_bars=OnBars.LAST_CLOSE)))


def said_on(page: Page) -> str:
    return page.locator("#order-said").inner_text()


def await_desk(page: Page) -> None:
    """Until the page has the account and the newest bar."""
    expect(page.locator("[data-money=equity]")).to_have_text("100,000.00")
    until(lambda: "10:29" in legend_on(page), "the newest bar", page)


def price_on(page: Page) -> float:
    """The newest close, as the legend shows it."""
    return float(legend_on(page).split(" C ")[1].split()[0])


def row_on(page: Page, table: str, at: int = 0) -> str:
    return " ".join(page.locator(f"#{table} tbody tr").nth(at).inner_text().split())


def test_an_account_is_opened_and_a_market_order_is_filled_while_the_session_stands(
    open_page: OpenPage, worker: Worker
) -> None:
    session = a_sample_session(paused_at="10:30")
    page = open_page(address_of(session), width=1440)
    page.get_by_label("Cash, USD").fill("50,000")
    page.get_by_role("button", name="Open the account").click()
    expect(page.locator("[data-money=equity]")).to_have_text("50,000.00")
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    expect(page.get_by_label("Quantity")).to_be_focused()
    page.keyboard.type("25")
    expect(page.locator(".td-send")).to_have_text("Buy 25 AAPL at market")
    page.keyboard.press("Enter")
    expect(page.locator("#positions tbody")).to_contain_text("AAPL")
    assert said_on(page).startswith("Sent: buy 25 AAPL")
    page.get_by_role("tab", name="Executions").click()
    expect(page.locator("#executions tbody")).to_contain_text("of the last bar, 10:30")
    page.get_by_role("tab", name="Equity").click()
    expect(page.locator("#equity canvas").first).to_be_visible()


def test_an_open_order_is_a_line_that_its_cross_cancels(open_page: OpenPage, worker: Worker) -> None:
    session = a_sample_session(paused_at="10:30")
    account = an_account(session)
    page = open_page(address_of(session), width=1440)
    await_desk(page)
    page.keyboard.press("b")
    page.keyboard.press("l")
    limit = page.get_by_label("Limit", exact=True).last
    expect(limit).to_be_focused()
    last = float(limit.input_value())
    limit.fill(f"{last - 0.5:.2f}")
    expect(page.locator(".td-tag[data-kind=draft]")).to_have_text("limit")
    page.keyboard.press("Enter")
    cross = page.get_by_role("button", name=f"Cancel: Buy 100 limit {last - 0.5:.2f}")
    cross.click()
    until(lambda: Order.objects.get(account=account).status == "canceled", "the order's end", page)
    expect(cross).to_have_count(0)


def press(page: Page, button: Locator) -> None:
    """Hold the mouse's button down on it."""
    box = button.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()


def test_what_comes_while_a_button_is_pressed_takes_it_from_nobody(open_page: OpenPage, worker: Worker) -> None:
    """Each change drew all lines anew: a cross that went while it was pressed did nothing."""
    session = a_sample_session(paused_at="10:30")
    account = an_account(session)
    page = open_page(address_of(session), width=1440)
    await_desk(page)
    first, second, third = (f"{price_on(page) - below:.2f}" for below in (0.5, 3, 4))
    pressed = place(account, kind="limit", limit_price=first)
    cross = page.get_by_role("button", name=f"Cancel: Buy 10 limit {first}")
    expect(cross).to_be_visible()
    press(page, cross)
    left = place(account, kind="limit", limit_price=second)
    expect(page.locator(".td-tag[data-kind=order]")).to_have_count(2)
    page.mouse.up()
    until(lambda: status(account, pressed) == "canceled", "the end of the order whose cross was pressed", page)
    expect(cross).to_have_count(0)

    page.get_by_role("tab", name="Orders").click()
    press(page, page.locator("#orders tbody tr").first.get_by_role("button"))
    added = place(account, kind="limit", limit_price=third)
    expect(page.locator("#orders tbody tr")).to_have_count(3)
    page.mouse.up()
    page.wait_for_timeout(300)
    assert status(account, added) == status(account, left) == "new", "a row that came under the pointer is not pressed"


def test_a_click_in_the_chart_sets_the_price_that_has_the_focus(open_page: OpenPage, worker: Worker) -> None:
    session = a_sample_session(paused_at="10:30")
    an_account(session)
    page = open_page(address_of(session), width=1440)
    await_desk(page)
    page.keyboard.press("b")
    page.keyboard.press("l")
    limit = page.get_by_label("Limit", exact=True).last
    before = float(limit.input_value())
    box = page.locator("#chart").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.6)
    until(lambda: float(limit.input_value()) != before, "the price at the pointer", page)
    expect(limit).to_be_focused()


def test_a_bracket_brings_its_exits(open_page: OpenPage, worker: Worker) -> None:
    session = a_sample_session(paused_at="10:30")
    account = an_account(session)
    page = open_page(address_of(session), width=1440)
    await_desk(page)
    page.get_by_label("Take profit, stop loss").check()
    page.get_by_label("Take profit", exact=True).fill("99")
    page.get_by_label("Stop loss", exact=True).fill("90")
    page.get_by_role("button", name="Buy 100 AAPL at market").click()
    expect(page.locator(".td-tag[data-kind=order]")).to_have_count(2)
    texts = page.locator(".td-tag[data-kind=order]").all_inner_texts()
    assert any("take profit 99.00" in text for text in texts) and any("stop loss 90.00" in text for text in texts)
    assert Order.objects.filter(account=account, payload__order_class="bracket").count() == 3


def test_what_the_broker_refuses_is_said_in_its_words(open_page: OpenPage, worker: Worker) -> None:
    session = a_sample_session(paused_at="10:30")
    account = an_account(session)
    page = open_page(address_of(session), width=1440)
    await_desk(page)
    page.get_by_label("Quantity").fill("100000")
    page.keyboard.press("Enter")
    expect(page.locator("#order-said")).to_contain_text("buying power")
    page.get_by_label("Quantity").fill("many")
    page.keyboard.press("Enter")
    expect(page.locator("#order-said")).to_contain_text("must be a number, not 'many'")
    assert not Order.objects.filter(account=account).exists()


def test_a_seek_back_takes_what_is_void_from_the_page(open_page: OpenPage, worker: Worker) -> None:
    session = a_sample_session(paused_at="10:30")
    an_account(session)
    page = open_page(address_of(session), width=1440)
    await_desk(page)
    page.get_by_role("button", name="Buy 100 AAPL at market").click()
    expect(page.locator("#positions tbody")).to_contain_text("AAPL")
    assert "100" in row_on(page, "positions")
    control.seek(session.pk, dt.datetime(2016, 4, 29, 10, 0, tzinfo=NEW_YORK))
    expect(page.locator("#positions")).to_contain_text("No position.")
    expect(page.locator(".td-tag")).to_have_count(0)
    expect(page.locator("#executions")).to_contain_text("No execution yet.", use_inner_text=False)


def test_profit_follows_the_price_while_it_plays_and_a_position_is_closed(open_page: OpenPage, worker: Worker) -> None:
    session = a_sample_session(paused_at="10:30")
    an_account(session)
    page = open_page(address_of(session), width=1440)
    await_desk(page)
    page.get_by_role("button", name="Buy 100 AAPL at market").click()
    expect(page.locator("#positions tbody")).to_contain_text("AAPL")
    control.resume(session.pk)
    until(lambda: "+0.00" not in row_on(page, "positions"), "a price that has moved", page)
    page.get_by_role("button", name="Close the position in AAPL").click()
    expect(page.locator("#positions")).to_contain_text("No position.")


def test_who_may_not_trade_sees_the_account_and_no_ticket(open_page: OpenPage, worker: Worker) -> None:
    session = a_sample_session(paused_at="10:30")
    an_account(session)
    page = open_page(address_of(session), role="viewer", width=1440)
    await_desk(page)
    expect(page.locator("#ticket")).to_contain_text("Trading needs the permission broker.trade_account")
    assert page.locator("#order, #opening").count() == 0
    User.objects.get(username="viewer").user_permissions.add(Permission.objects.get(codename="trade_account"))
    page.reload()
    expect(page.get_by_role("button", name="Buy 100 AAPL at market")).to_be_visible()
