"""From the login to a session that plays, in a real browser.

Alone in its file, and so with a web process of its own: the admin logs what a form has made, under the id of its
content type; a web process keeps those ids, and tables that are emptied after a test get new ones.
"""

from __future__ import annotations

import re
import subprocess

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, expect

from sessions.models import Session
from tests.browser.watching import minutes_on, until

Worker = subprocess.Popen[bytes]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("real_days")
def test_somebody_logs_in_starts_a_session_from_the_form_and_watches_it(
    browser: Browser, address: str, worker: Worker
) -> None:
    User.objects.create_superuser("ada", password="secret")
    page = browser.new_page(base_url=address)
    page.set_default_timeout(60_000)
    page.goto("/admin/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="start a session", exact=True).click()
    field = page.get_by_role("combobox", name="Symbols")
    field.press_sequentially("aa")
    page.get_by_role("option", name="AAPL").click()
    field.press_sequentially("ms")
    expect(page.get_by_role("option", name="MSFT")).to_be_visible()
    field.press("ArrowDown")
    field.press("Enter")
    expect(field).to_have_value("AAPL MSFT ")
    expect(page.locator("#calendar-month")).to_have_text("July 2025")
    assert page.get_by_role("button", name=re.compile("Friday, July 4, 2025, July 4th")).is_disabled()
    page.get_by_role("button", name=re.compile("July 3, 2025, half day, closes 13:00, 2 of 2 symbols")).click()
    page.get_by_role("button", name=re.compile("Monday, July 7, 2025")).click()
    page.get_by_label("Speed").fill("120")
    page.get_by_role("button", name="Start the session").click()
    page.wait_for_url(re.compile(r"/session/\d+/change/"))
    until(lambda: "of 210 minutes: " in minutes_on(page), "minutes of the half day", page)
    session = Session.objects.get()
    assert (str(session.start_date), str(session.end_date), session.speed) == ("2025-07-03", "2025-07-07", 120)
    page.close()
