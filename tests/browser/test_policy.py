"""Pages load nothing from elsewhere and run no script but this server's own: enforced by Chromium, on every page."""

from __future__ import annotations

import pytest
from django.contrib import admin
from playwright.sync_api import Browser, expect

from marketdata.models import DayVersion
from tests.browser.conftest import OpenPage
from tests.streaming.rows import a_session

pytestmark = pytest.mark.django_db(transaction=True)


def lists() -> list[str]:
    """Every list of the admin."""
    options = [model._meta for model in admin.site._registry]
    return [f"/admin/{one.app_label}/{one.model_name}/" for one in options]


def test_every_page_works_under_the_policy(open_page: OpenPage, real_days: str) -> None:
    session = a_session("AAPL")
    day = DayVersion.objects.filter(scope="regular").latest("pk")
    page = open_page("/admin/")
    elsewhere: list[str] = []
    here = page.url.removesuffix("/admin/")
    page.on("request", lambda one: None if one.url.startswith((here, "data:")) else elsewhere.append(one.url))
    forms = ["/admin/replay/session/add/", "/admin/auth/user/add/", f"/admin/replay/session/{session.pk}/change/"]
    for address in [*lists(), *forms, f"/admin/marketdata/dayversion/{day.pk}/change/", "/api/sessions/"]:
        answer = page.goto(address)
        assert answer and answer.status == 200, address
        page.wait_for_timeout(200)
    page.goto("/api/docs/")
    expect(page.get_by_text("/api/sessions/{id}/seek/")).to_be_visible()
    assert elsewhere == []


def test_no_page_runs_what_a_text_brought_along(browser: Browser, address: str) -> None:
    page = browser.new_page(base_url=address)
    answer = page.goto("/admin/login/")
    assert answer
    policy = answer.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy and "script-src 'self' 'unsafe-eval'" in policy
    taken = page.evaluate(
        """() => new Promise((resolve) => {
          document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.taken = true'>");
          setTimeout(() => resolve(window.taken ?? false), 1000);
        })"""
    )
    page.close()
    assert taken is False
