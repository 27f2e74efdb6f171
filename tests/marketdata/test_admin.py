"""The store's admin: every page opens, rows are shown, and bars are never walked unasked."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pandas as pd
import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from marketdata import store
from marketdata.calendar import trading_day
from marketdata.models import Dataset, DayVersion
from marketdata.providers.synthetic import make_day
from marketdata.store import NewDay
from tests.marketdata.days import bars_of

pytestmark = pytest.mark.django_db
DAY = dt.date(2025, 7, 3)


@pytest.fixture
def half_day() -> DayVersion:
    dataset = Dataset.objects.create(name="made", source="made", synthetic=True)
    instrument = store.ensure_instruments(["AAPL"])["AAPL"]
    store.write_days(dataset.pk, [NewDay(instrument, DAY, make_day("AAPL", trading_day(DAY)), origin="test")])
    return DayVersion.objects.get()


@pytest.mark.parametrize("model", ["dataset", "instrument", "dayversion", "bar", "quarantinedrow", "fetchattempt"])
def test_every_list_opens(admin_client: Client, half_day: DayVersion, model: str) -> None:
    assert admin_client.get(f"/admin/marketdata/{model}/").status_code == 200


def test_a_day_shows_its_chart_rows_ledger_and_versions(
    admin_client: Client, half_day: DayVersion, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(9):
        answer = admin_client.get(f"/admin/marketdata/dayversion/{half_day.pk}/change/")
    page = answer.content.decode()
    assert len(answer.context["rows"]) == len(answer.context["bars"]) == 210
    assert "T" * 210 in page and ">v1</a>" in page and "export/" in page
    first = answer.context["bars"][0]
    assert first[0] == int(half_day.open_at.timestamp()) and first[1:5] == [
        getattr(bars_of(half_day), name)[0] for name in ("open", "high", "low", "close")
    ]


def test_a_day_without_a_minute_says_which_one(admin_client: Client, half_day: DayVersion) -> None:
    DayVersion.objects.update(ledger="T" * 30 + "AA" + "T" * 100 + "M" + "T" * 77)
    page = admin_client.get(f"/admin/marketdata/dayversion/{half_day.pk}/change/").content.decode()
    assert "10:00 to 10:01 absent in its source" in page
    assert "11:42 missing" in page


def test_a_day_is_exported_as_it_is_stored(admin_client: Client, half_day: DayVersion) -> None:
    answer = admin_client.get(f"/admin/marketdata/dayversion/{half_day.pk}/export/")
    assert answer["Content-Disposition"] == 'attachment; filename="AAPL_2025-07-03_1m_v1.csv"'
    rows = pd.read_csv(io.BytesIO(answer.content))
    bars = bars_of(half_day)
    assert list(rows.close) == bars.close.tolist() and list(rows.volume) == bars.volume.tolist()
    assert rows.timestamp[0] == "2025-07-03T13:30:00Z"


@pytest.mark.parametrize("page", ["change", "export"])
def test_stored_days_are_for_those_who_may_look_ahead(client: Client, half_day: DayVersion, page: str) -> None:
    viewer = User.objects.create_user("eve", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename="view_session"))
    client.force_login(viewer)
    assert client.get(f"/admin/marketdata/dayversion/{half_day.pk}/{page}/").status_code == 403
    viewer.user_permissions.add(Permission.objects.get(codename="view_dayversion"))
    assert client.get(f"/admin/marketdata/dayversion/{half_day.pk}/{page}/").status_code == 200


MANY_DAYS = """
INSERT INTO marketdata_dayversion (dataset_id, instrument_id, kind, interval, date, scope, derived, version, current,
  open_at, close_at, row_count, summary, ledger, content_hash, origin)
SELECT d.dataset_id, i.id, 'bars', '1m', d.date - n, 'regular', false, 1, true, d.open_at, d.close_at,
  390, '{}', repeat('T', 390), 'x', 'test'
  FROM marketdata_dayversion d, marketdata_instrument i, generate_series(1, 103) n
"""


@pytest.mark.parametrize(
    ("model", "query"),
    [
        pytest.param("dayversion", {}, id="all days"),
        pytest.param("dayversion", {"q": "S17"}, id="a symbol's days"),
        pytest.param("dayversion", {"interval": "1m", "scope__exact": "regular"}, id="filtered days"),
        pytest.param("dayversion", {"p": "3"}, id="a later page"),
        pytest.param("instrument", {"q": "S1"}, id="instruments"),
        pytest.param("fetchattempt", {}, id="fetches"),
        pytest.param("quarantinedrow", {"q": "S17"}, id="quarantine"),
    ],
)
def test_lists_never_count_or_walk_ten_million_bars(
    admin_client: Client, half_day: DayVersion, model: str, query: dict[str, str]
) -> None:
    """250 symbols × 103 days × 390 bars."""
    store.ensure_instruments([f"S{n}" for n in range(249)])
    with connection.cursor() as cursor:
        cursor.execute(MANY_DAYS)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert admin_client.get(f"/admin/marketdata/{model}/", query).status_code == 200
    reported = [row["sql"] for row in asked.captured_queries if "marketdata_" in row["sql"]]
    assert len(asked) <= 9 and reported
    for sql in reported:
        assert "COUNT(" not in sql and "DISTINCT" not in sql
        assert "marketdata_daychunk" not in sql, "a list reads no columns of bars"
        assert "LIMIT" in sql or "marketdata_dataset" in sql


def test_bars_are_shown_only_for_a_symbol_and_a_date(
    admin_client: Client, half_day: DayVersion, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(12):
        page = admin_client.get("/admin/marketdata/bar/", {"q": "AAPL 2025-07-03"}).content.decode()
    assert page.count("field-shown_start") >= 100
    assert "field-shown_start" not in admin_client.get("/admin/marketdata/bar/").content.decode()
    assert "field-shown_start" not in admin_client.get("/admin/marketdata/bar/", {"q": "AAPL"}).content.decode()
    assert "Choose a symbol and a day" in admin_client.get("/admin/marketdata/bar/").content.decode()
    assert "Nothing matches" in admin_client.get("/admin/marketdata/bar/", {"q": "AAPL"}).content.decode()
    assert "2025-07-03 09:30 New York" in page
    derived = {"q": "AAPL 2025-07-03", "interval": "derived"}
    assert "field-shown_start" not in admin_client.get("/admin/marketdata/bar/", derived).content.decode()
