"""Landing page, start form and a stored day in a real browser, on a desk and on a phone."""

from __future__ import annotations

import re
import subprocess

import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect

from marketdata.models import DayVersion
from sessions.models import State
from tests.browser.conftest import OpenPage
from tests.browser.watching import a_live_session, address_of, clock_on, minutes_on, until, until_row

Worker = subprocess.Popen[bytes]
pytestmark = pytest.mark.django_db(transaction=True)
NAMELESS = """() => [...document.querySelectorAll("#main button, #main a, #main input, #main select")]
  .filter((one) => one.type !== "hidden" && one.offsetParent !== null)
  .filter((one) => !(one.innerText.trim() || one.ariaLabel || one.title || one.placeholder || one.labels?.length
                     || one.getAttribute("aria-labelledby")))
  .map((one) => one.outerHTML.slice(0, 120))"""
SHIFTS = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value; })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 3000);
})"""


@pytest.fixture(autouse=True)
def days(real_days: str) -> None:
    """Every test has them in the store."""


def test_a_session_appears_on_the_landing_page_by_itself_and_is_played_there(
    open_page: OpenPage, worker: Worker
) -> None:
    page = open_page("/admin/")
    expect(page.get_by_text("Nothing plays now")).to_be_visible()
    session = a_live_session(speed=60)
    card = page.get_by_role("article")
    expect(card).to_have_count(1)
    before = clock_on(page)
    until(lambda: clock_on(page) > before, "the card's clock", page)
    card.get_by_role("button", name="Play or pause").click()
    until_row(session, "paused", page, state=State.PAUSED)
    expect(card.locator(".td-state")).to_have_text("paused")
    expect(page.locator("#system")).to_contain_text("1 is here")


def test_the_landing_page_says_what_is_missing_and_what_to_do(open_page: OpenPage) -> None:
    page = open_page("/admin/", role="viewer")
    expect(page.locator("#problems")).to_contain_text("Upkeep has not run lately: start beat")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_stand_still_and_name_their_controls(
    open_page: OpenPage, worker: Worker, width: int, theme: str
) -> None:
    session = a_live_session(speed=60)
    day = DayVersion.objects.filter(scope="regular").latest("pk")
    page = open_page("/admin/", width=width, theme=theme)
    addresses = ["/admin/", address_of(session), f"/admin/marketdata/dayversion/{day.pk}/change/"]
    for address in [*addresses, "/admin/replay/session/add/"]:
        look_at(page, address, width)


def look_at(page: Page, address: str, width: int) -> None:
    page.goto(address)
    shifted = page.evaluate(SHIFTS)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{address} is wider than the window"
    assert page.evaluate(NAMELESS) == [], f"{address} has controls without a name"
    assert shifted < 0.1, f"{address} moves under the reader's eyes ({shifted:.3f})"


def test_a_quiet_day_shows_its_gaps(open_page: OpenPage, market_data: str) -> None:
    call_command("import_bars", f"{market_data}/bars/alphavantage_2019", verbosity=0)
    day = DayVersion.objects.get(instrument__symbol="AMT", date="2019-02-13", scope="regular", interval="1m")
    page = open_page(f"/admin/marketdata/dayversion/{day.pk}/change/")
    assert f"{day.row_count} traded, {390 - day.row_count} absent" in minutes_on(page, "AMT")
    page.get_by_text(re.compile(r"\d\d gaps")).click()
    expect(page.get_by_text("absent in its source, unproven").nth(1)).to_be_visible()
