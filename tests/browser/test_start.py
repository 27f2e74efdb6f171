"""The form that starts a session, in a real browser, while it is filled in."""

from __future__ import annotations

import re

import pytest
from django.core.management import call_command
from playwright.sync_api import expect

from sessions.models import Session
from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def days(real_days: str) -> None:
    """Every test has them in the store."""


def test_a_day_that_is_pressed_while_its_month_comes_anew_is_chosen(open_page: OpenPage) -> None:
    page = open_page("/admin/replay/session/add/")
    page.get_by_role("combobox", name="Symbols").press_sequentially("AAPL MSFT")
    button = page.get_by_role("button", name=re.compile("July 3, 2025, half day"))
    button.evaluate("day => day.scrollIntoView({block: 'center'})")
    box = button.bounding_box()
    assert box
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    with page.expect_response(re.compile("/month/.*symbols=AAPL")):
        page.mouse.down()  # the symbols' field loses the focus, so coverage is asked for again
    expect(button).to_have_accessible_name(re.compile("2 of 2 symbols"))
    page.mouse.up()
    expect(page.locator("[name=start-date]")).to_have_value("2025-07-03")


def test_the_calendar_turns_to_the_newest_month_of_what_was_chosen(open_page: OpenPage, market_data: str) -> None:
    call_command("import_bars", f"{market_data}/bars/alphavantage_2019", verbosity=0)
    page = open_page("/admin/replay/session/add/")
    month = page.locator("#calendar-month")
    expect(month).to_have_text("July 2025")
    page.get_by_label("Dataset").select_option(label="alphavantage_2019")
    expect(month).to_have_text("February 2019")
    page.get_by_role("button", name="Year before").click()
    page.get_by_role("button", name="Month after").click()
    expect(month).to_have_text("March 2018")
    page.get_by_label("Dataset").select_option(label="exthours_2025")
    expect(page.get_by_role("button", name=re.compile("March 2, 2018, 0 symbols"))).to_be_visible()


def test_a_chosen_symbol_stays_chosen_when_the_list_comes_anew(open_page: OpenPage) -> None:
    page = open_page("/admin/replay/session/add/")
    field = page.get_by_role("combobox", name="Symbols")
    field.press_sequentially("m")
    expect(page.get_by_role("option", name="MSFT")).to_be_visible()
    with page.expect_response(re.compile("/symbols/.*q=ms")):
        field.press("s")
        field.press("ArrowDown")
    expect(page.get_by_role("option", name="MSFT", selected=True)).to_be_visible()
    field.press("Enter")
    expect(field).to_have_value("MSFT ")


def test_the_form_says_at_the_field_what_is_wrong(open_page: OpenPage) -> None:
    page = open_page("/admin/replay/session/add/?symbols=AAPL&date=2025-07-03&until=2025-07-01")
    page.get_by_role("button", name="Start the session").click()
    expect(page.locator(".field-until, .form-row", has_text="before its first trading day").first).to_be_visible()
    assert not Session.objects.exists()
