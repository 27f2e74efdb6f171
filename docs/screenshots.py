"""Make the README's pictures from the synthetic provider: `python docs/screenshots.py`, beside a running `make start`.

Needs the development requirements and a Chromium (`apt-get install chromium`).
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright keeps a loop in this thread

PICTURES = HERE / "pictures"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
DAY, UNTIL = "2025-07-02", "2025-07-07"


def clock_of(session_id: int) -> dt.datetime | None:
    from sessions.models import Run

    return Run.objects.values_list("clock", flat=True).get(pk=session_id)


def a_session(symbols: tuple[str, ...], when: str, speed: float) -> int:
    """A paused session in the midst of its second day, by the same verbs as everybody's."""
    from sessions import control
    from streaming.starts import service
    from streaming.starts.request import StartRequest

    first, last = dt.date.fromisoformat(DAY), dt.date.fromisoformat(UNTIL)
    request = StartRequest(symbols, date=first, until=last, speed=speed, provider="synthetic", name=f"{symbols[0]} day")
    session = service.start(request).session
    control.set_speed(session.pk, 0)
    goal = dt.datetime.fromisoformat(when)
    while (clock_of(session.pk) or goal.replace(year=2000)) < goal.replace(hour=13, minute=31):
        time.sleep(0.05)
    control.pause(session.pk)
    control.set_speed(session.pk, speed)
    control.seek(session.pk, goal)
    while clock_of(session.pk) != goal:
        time.sleep(0.05)
    return int(session.pk)


def trade(session_id: int, symbol: str) -> None:
    """An account with a position and the two exits around it."""
    from broker import accounts, service
    from broker.entry.order_form import read_order
    from broker.matching.terms import OnBars, Terms
    from sessions.models import Session

    opening = accounts.Opening("by hand", terms=Terms(on_bars=OnBars.LAST_CLOSE))
    account = accounts.create(Session.objects.with_run().get(pk=session_id), opening, by="screenshots")
    market = {"symbol": symbol, "type": "market", "time_in_force": "day"}
    service.place(account.pk, read_order({**market, "side": "buy", "qty": "300"}))
    while not account.events.filter(kind="fill").exists():
        time.sleep(0.05)
    price = float(account.events.get(kind="fill").price)
    exits = {
        "limit_price": f"{price * 1.004:.2f}",
        "take_profit": {"limit_price": f"{price * 1.004:.2f}"},
        "stop_loss": {"stop_price": f"{price * 0.997:.2f}"},
    }
    asked = {**market, **exits, "type": "limit", "side": "sell", "qty": "200", "order_class": "oco"}
    service.place(account.pk, read_order(asked))


def log_in(browser: Browser, address: str, password: str, width: int, theme: str) -> Page:
    window = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if theme == "dark" else "light",
        base_url=address,
        device_scale_factor=1.5 if width < 600 else 1,
    )
    page = window.new_page()
    page.set_default_timeout(120_000)
    page.set_default_navigation_timeout(120_000)
    page.goto("/admin/")
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", password)
    page.click("[type=submit]")
    page.wait_for_selector("#landing")
    return page


def take(page: Page, path: str, name: str) -> None:
    page.goto(path)
    page.wait_for_timeout(5000)
    page.screenshot(path=PICTURES / f"{name}.png")
    print(PICTURES / f"{name}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    address = parser.parse_args().address
    import django

    django.setup()
    from django.conf import settings

    from sessions import control

    PICTURES.mkdir(exist_ok=True)
    password = (settings.VAR_DIR / "admin_password").read_text().strip()
    one = a_session(("AAPL", "MSFT", "NVDA"), "2025-07-03T15:12:00+00:00", 60)
    two = a_session(("SPY", "QQQ"), "2025-07-03T16:03:00+00:00", 360)
    trade(one, "AAPL")
    control.resume(one)
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = log_in(browser, address, password, 1440, "light")
        take(page, "/admin/", "now-playing")
        take(page, f"/admin/replay/session/{one}/change/", "session")
        phone = log_in(browser, address, password, 390, "dark")
        take(phone, f"/admin/replay/session/{one}/change/", "phone")
        browser.close()
    for session_id in (one, two):
        control.stop(session_id)


if __name__ == "__main__":
    main()
