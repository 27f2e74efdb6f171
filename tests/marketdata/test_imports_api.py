"""Imports over the API: listed, read day by day, undone; days deleted; each with a permission of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from marketdata.models import DayVersion, Import
from tests.marketdata.test_import_clashes import bars
from tests.marketdata.test_undo import imported, pin

pytestmark = pytest.mark.django_db


def client(*permissions: str) -> APIClient:
    user = User.objects.create_user("somebody")
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    found = APIClient()
    found.force_authenticate(user)
    return found


@pytest.fixture
def boss() -> APIClient:
    return client("view_import", "delete_import", "delete_dayversion")


@pytest.fixture
def number(tmp_path: Path) -> int:
    for name in ("AAPL", "MSFT"):
        bars(tmp_path / "two" / f"{name}.csv", 100)
    return imported(tmp_path / "two")


def test_imports_are_listed_and_read_day_by_day(boss: APIClient, number: int) -> None:
    (row,) = boss.get("/api/imports/").json()["imports"]
    assert (row["number"], row["dataset"], row["state"], row["figures"]["inserted"]) == (number, "mine", "done", 6)
    assert boss.get("/api/imports/?dataset=other").json() == {"imports": []}
    made = boss.get(f"/api/imports/{number}/?symbol=msft").json()
    assert [(day["symbol"], day["date"], day["inserted"]) for day in made["days"]] == [("MSFT", "2025-07-02", 3)]
    assert made["decisions"][0]["files"] == 2 and "label start" in " ".join(made["decisions"][0]["lines"])


def test_an_import_is_undone(boss: APIClient, number: int) -> None:
    dry = boss.post(f"/api/imports/{number}/undo/", {"dry_run": True}, format="json").json()
    assert (dry["removed"], dry["dry_run"], DayVersion.objects.count()) == (2, True, 2)
    undone = boss.post(f"/api/imports/{number}/undo/", {}, format="json")
    assert (undone.status_code, undone.json()["removed"], DayVersion.objects.count()) == (200, 2, 0)
    again = boss.post(f"/api/imports/{number}/undo/", {}, format="json")
    assert again.status_code == 409 and "is undone already" in again.json()["detail"]


def test_what_stands_in_the_way_is_said(boss: APIClient, number: int) -> None:
    session = pin(number)
    answer = boss.post(f"/api/imports/{number}/undo/", {}, format="json")
    assert answer.status_code == 409 and f"pinned by session {session}" in answer.json()["detail"]
    assert answer.json()["detail"].endswith("DELETE /api/sessions/{id}/, or undo the other days with where_possible.")
    assert boss.post(f"/api/imports/{number}/undo/", {"where_possible": True}, format="json").json()["removed"] == 1
    refused = boss.delete("/api/data/?dataset=mine&symbol=AAPL")
    assert refused.status_code == 409 and f"Session {session} pinned" in refused.json()["detail"]


def test_days_are_deleted(boss: APIClient, number: int) -> None:
    assert boss.delete("/api/data/?dataset=mine&symbol=aapl&dry_run=true").json()["versions"] == 1
    deleted = boss.delete("/api/data/?dataset=mine&symbol=aapl&date=2025-07-02").json()
    assert (deleted["symbols"], deleted["versions"], deleted["rows"]) == (["AAPL"], 1, 3)
    assert DayVersion.objects.get().instrument.symbol == "MSFT"


@pytest.mark.parametrize(
    ("method", "address", "status", "text"),
    [
        ("get", "/api/imports/999999999999999999999/", 404, "There is no import"),
        ("get", "/api/imports/?datset=mine", 400, "There is no field 'datset'"),
        ("get", "/api/imports/?limit=0", 400, "limit"),
        ("delete", "/api/data/", 400, "dataset"),
        ("delete", "/api/data/?dataset=mine&until=2025-07-02", 400, "until needs date"),
        ("delete", "/api/data/?dataset=nowhere", 409, "There is no dataset 'nowhere'"),
    ],
)
def test_a_wrong_question_is_answered_in_words(
    boss: APIClient, method: str, address: str, status: int, text: str
) -> None:
    answer = getattr(boss, method)(address)
    assert answer.status_code == status and text in answer.content.decode()


@pytest.mark.parametrize(
    ("permission", "may"),
    [
        ("view_import", {"list"}),
        ("delete_import", {"undo"}),
        ("delete_dayversion", {"delete"}),
        ("view_bar", set()),
    ],
)
def test_each_has_a_permission_of_its_own(number: int, permission: str, may: set[str]) -> None:
    asking = client(permission)
    answers: dict[str, Any] = {
        "list": asking.get("/api/imports/"),
        "undo": asking.post(f"/api/imports/{number}/undo/", {"dry_run": True}, format="json"),
        "delete": asking.delete("/api/data/?dataset=mine&dry_run=true"),
    }
    assert {name for name, answer in answers.items() if answer.status_code == 200} == may
    assert Import.objects.get().state == "done"
