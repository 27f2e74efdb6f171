"""The live page in a real browser: what a trader does with a player, and what he sees."""

from __future__ import annotations

import datetime as dt
import re
import signal
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import expect

from sessions import control
from sessions.models import Session, State
from tests.browser.conftest import OpenPage, StartWorker, await_heartbeat
from tests.browser.watching import a_live_session, address_of, clock_on, legend_on, minutes_on, until, until_row

Worker = subprocess.Popen[bytes]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def days(real_days: str) -> None:
    """Every test has them in the store."""


def source_bar(market_data: Path, stamp: str) -> pd.Series:
    """AAPL's bar straight from the file."""
    (path,) = (market_data / "bars" / "exthours_2025").glob("AAPL_*.csv.gz")
    rows = pd.read_csv(path, parse_dates=["timestamp"])
    return rows[rows.timestamp == pd.Timestamp(stamp)].iloc[0]


def test_bars_arrive_by_themselves_and_the_clock_moves(open_page: OpenPage, worker: Worker) -> None:
    page = open_page(address_of(a_live_session(speed=120)))
    until(lambda: "minutes: " in minutes_on(page), "the first minutes of the heat map", page)
    first, clock = minutes_on(page), clock_on(page)
    until(lambda: minutes_on(page) != first and clock_on(page) > clock, "more minutes", page)
    assert re.search(r"AAPL, \d+ of 390 minutes: \d+ traded", minutes_on(page))
    expect(page.locator("#legend")).to_contain_text("Wed, Jul 2")


def test_pause_step_and_seek_show_the_bars_of_the_source(
    open_page: OpenPage, worker: Worker, market_data: Path
) -> None:
    session = a_live_session(speed=1)
    page = open_page(address_of(session))
    page.get_by_role("button", name=f"Play or pause session {session.pk}").click()
    until_row(session, "paused", page, state=State.PAUSED)
    page.get_by_role("button", name="Step five minutes").click()
    until(lambda: "09:34" in legend_on(page), "the fifth bar", page)
    assert clock_on(page) == "09:35:00"
    bar = source_bar(market_data, "2025-07-02T13:34:00Z")
    assert f"C {bar.close:,.2f}" in legend_on(page) and f"V {int(bar.volume):,}" in legend_on(page)

    control.seek(session.pk, dt.datetime(2025, 7, 2, 18, 0, tzinfo=dt.UTC))
    until(lambda: "13:59" in legend_on(page), "the bar before two o'clock", page)
    bar = source_bar(market_data, "2025-07-02T17:59:00Z")
    assert f"C {bar.close:,.2f}" in legend_on(page)
    until(lambda: minutes_on(page).startswith("AAPL, 270 of 390"), "the heat map up to two o'clock", page)


def test_a_seek_back_takes_what_is_later_from_the_page(open_page: OpenPage, worker: Worker) -> None:
    session = a_live_session(speed=0)
    page = open_page(address_of(session))
    until_row(session, "the day's end", page, state=State.COMPLETED)
    session = a_live_session(speed=1)
    page.goto(address_of(session))
    control.pause(session.pk)
    control.seek(session.pk, dt.datetime(2025, 7, 2, 18, 0, tzinfo=dt.UTC))
    until(lambda: "13:59" in legend_on(page), "two o'clock", page)
    bar = page.get_by_role("slider")
    bar.fill("30")
    until(lambda: "09:59" in legend_on(page), "ten o'clock", page)
    until(lambda: minutes_on(page).startswith("AAPL, 30 of 390"), "a heat map without later minutes", page)


def test_speed_and_stop(open_page: OpenPage, worker: Worker) -> None:
    session = a_live_session(speed=1)
    page = open_page(address_of(session))
    page.get_by_label("Speed").select_option("600")
    until_row(session, "the speed", page, speed=600)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=f"Stop session {session.pk}").click()
    until_row(session, "the end", page, state=State.STOPPED)
    expect(page.locator(".td-state")).to_have_text("stopped")
    expect(page.get_by_role("button", name="Step one minute")).to_be_disabled()


def test_the_keyboard_plays(open_page: OpenPage, worker: Worker) -> None:
    session = a_live_session(speed=1)
    page = open_page(address_of(session))
    page.keyboard.press("Space")
    until_row(session, "paused", page, state=State.PAUSED)
    before = clock_on(page)
    page.keyboard.press("ArrowRight")
    until(lambda: clock_on(page) > before, "a step", page)
    page.keyboard.press("ArrowUp")
    until_row(session, "the next speed", page, speed=2)
    page.get_by_placeholder("Symbols").press("Space")
    page.wait_for_timeout(300)
    session.refresh_from_db()
    assert session.paused, "a space in a text field is a space"


def test_two_windows_show_one_session(open_page: OpenPage, worker: Worker) -> None:
    session = a_live_session(speed=1)
    one, other = open_page(address_of(session)), open_page(address_of(session), width=390, theme="dark")
    one.keyboard.press("Space")
    expect(other.locator(".td-state")).to_have_text("paused")
    other.get_by_role("button", name="Step five minutes").click()
    until(lambda: clock_on(one) == clock_on(other) and legend_on(one) == legend_on(other), "the same bar", one)


def test_a_killed_worker_is_reported_of_and_its_session_goes_on(
    open_page: OpenPage, worker: Worker, running_worker: StartWorker
) -> None:
    session = a_live_session(speed=60)
    page = open_page(address_of(session))
    until(lambda: "minutes: " in minutes_on(page), "the first minutes", page)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    expect(page.locator(".td-note")).to_contain_text("silent")
    stood = clock_on(page)
    await_heartbeat(running_worker())
    until(lambda: clock_on(page) > stood, "the clock to go on", page)
    expect(page.locator(".td-note")).to_have_text("")


def test_symbols_come_and_go_while_it_plays(open_page: OpenPage, worker: Worker) -> None:
    session = a_live_session(speed=60)
    page = open_page(address_of(session))
    page.get_by_label("Symbols to add or to remove").fill("IBM")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#panels").get_by_role("rowheader", name="IBM")).to_be_visible()
    page.get_by_label("Symbols to add or to remove").fill("NOPE")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".td-deck .td-said")).to_contain_text("no bars of NOPE")


def test_fork_here_opens_the_copy(open_page: OpenPage, worker: Worker) -> None:
    session = a_live_session(speed=60)
    page = open_page(address_of(session))
    until(lambda: "minutes: " in minutes_on(page), "something to fork", page)
    page.get_by_role("button", name="Fork here").click()
    page.wait_for_url(re.compile(rf"/session/(?!{session.pk}/)\d+/change/"))
    until(lambda: "minutes: " in minutes_on(page), "the copy's minutes", page)


def test_an_ended_session_is_verified_from_its_page(open_page: OpenPage, worker: Worker) -> None:
    session = a_live_session(speed=0)
    page = open_page(address_of(session))
    expect(page.locator("[data-shown=state]")).to_have_text("completed", timeout=60_000)
    page.get_by_role("button", name="Verify").click()
    panel = page.get_by_role("region", name="Verifications")
    expect(panel).to_contain_text("frames made again alike")


def test_an_ended_session_is_gone_back_into_with_its_slider(open_page: OpenPage, worker: Worker) -> None:
    session = a_live_session(speed=0)
    page = open_page(address_of(session))
    expect(page.locator("[data-shown=state]")).to_have_text("completed", timeout=60_000)
    slider = page.get_by_role("slider")
    expect(slider).to_be_enabled()
    slider.focus()
    page.keyboard.press("PageDown")
    page.wait_for_url(re.compile(rf"/session/(?!{session.pk}/)\d+/change/"))
    expect(page.locator("[data-shown=state]")).to_have_text("paused", timeout=30_000)
    copy, origin = Session.objects.with_run().latest("pk"), Session.objects.with_run().get(pk=session.pk)
    assert copy.forked_from == origin and copy.run.clock and origin.run.clock and copy.run.clock < origin.run.clock


def test_a_viewer_sees_and_controls_nothing(open_page: OpenPage, worker: Worker) -> None:
    session = a_live_session(speed=60)
    page = open_page(address_of(session), role="viewer")
    until(lambda: "minutes: " in minutes_on(page), "the minutes", page)
    assert page.locator("button[data-verb]").count() == 0
    assert page.get_by_role("slider").is_disabled()
    token = page.locator("[name=csrfmiddlewaretoken]").first.input_value()
    asked = page.request.post(
        address_of(session).replace("change", "pause"), headers={"X-CSRFToken": token, "Referer": page.url}
    )
    assert asked.status == 403
