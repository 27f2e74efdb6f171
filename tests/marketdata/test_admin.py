"""The store's admin: every page opens, rows are shown, and bars are never walked unasked."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from marketdata import store
from marketdata.calendar import trading_day
from marketdata.models import BarDay, Dataset
from marketdata.providers.synthetic import make_day
from marketdata.store import NewDay

pytestmark = pytest.mark.django_db
DAY = dt.date(2025, 7, 3)


@pytest.fixture
def half_day() -> BarDay:
    dataset = Dataset.objects.create(name="made", source="made", synthetic=True)
    instrument = store.ensure_instruments(["AAPL"])["AAPL"]
    store.write_days(dataset.pk, [NewDay(instrument, DAY, make_day("AAPL", trading_day(DAY)), origin="test")])
    return BarDay.objects.get()


@pytest.mark.parametrize("model", ["dataset", "instrument", "barday", "bar", "quarantinedrow", "fetchattempt"])
def test_every_list_opens(admin_client: Client, half_day: BarDay, model: str) -> None:
    assert admin_client.get(f"/admin/marketdata/{model}/").status_code == 200


def test_a_day_shows_its_rows_ledger_and_versions(admin_client: Client, half_day: BarDay) -> None:
    page = admin_client.get(f"/admin/marketdata/barday/{half_day.pk}/change/").content.decode()
    assert page.count("<tr><td>") == 210
    assert "v1: 210 bars" in page and "T" * 210 in page


def test_bars_are_shown_only_for_a_symbol_and_a_date(
    admin_client: Client, half_day: BarDay, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(12):
        page = admin_client.get("/admin/marketdata/bar/", {"q": "AAPL 2025-07-03"}).content.decode()
    assert page.count("field-start") >= 100
    assert "field-start" not in admin_client.get("/admin/marketdata/bar/").content.decode()
    assert "field-start" not in admin_client.get("/admin/marketdata/bar/", {"q": "AAPL"}).content.decode()
