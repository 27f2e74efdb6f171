"""Undo and deletion of more days than a request takes upon itself: by a worker, with the progress on the page."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from marketdata import tasks
from marketdata.admin import delete_view, import_admin
from marketdata.api import imports_view
from marketdata.locks import Locks
from marketdata.models import Dataset, DayVersion, Import
from marketdata.removal import deleting, removal_queue
from marketdata.removal.removal_queue import SILENT_SECONDS, Removal, State
from marketdata.removal.undoing import undo_import
from sessions.redis_client import connection as redis_connection
from tests.marketdata.test_import_clashes import bars
from tests.marketdata.test_imports_admin import client
from tests.marketdata.test_undo import imported, pin
from tests.streaming.rows import locked_alone
from tests.workers import StartWorker

pytestmark = pytest.mark.django_db(transaction=True)
DELETE = "/admin/marketdata/dayversion/delete/"


@pytest.fixture(autouse=True)
def small_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two days are too many for a request."""
    redis_connection().flushdb()
    for module in (delete_view, import_admin, imports_view):
        monkeypatch.setattr(module, "MOST_AT_ONCE", 1)


@pytest.fixture
def boss() -> Client:
    return client("view_import", "delete_import", "view_dayversion", "delete_dayversion")


@pytest.fixture
def number(tmp_path: Path) -> int:
    """An import of two symbols' days."""
    for name in ("AAPL", "MSFT"):
        bars(tmp_path / "two" / f"{name}.csv", 100)
    return imported(tmp_path / "two")


def page_of(number: int, part: str = "change") -> str:
    return f"/admin/marketdata/import/{number}/{part}/"


def text(answer: Any) -> str:
    return str(answer.content.decode())


def wait_until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_an_undo_is_asked_for_seen_and_done(boss: Client, number: int, start_worker: StartWorker) -> None:
    page = text(boss.get(page_of(number)))
    assert "It wrote 2 versions of days" in page and "Undo the import" in page
    asked = text(boss.post(page_of(number, "undo"), follow=True))
    assert "Waiting: 0 of 2 days" in asked and "Undo the import" not in asked
    assert "A worker is at it already." in text(boss.post(page_of(number, "undo"), follow=True))
    assert "Waiting: 0 of 2 days" in text(boss.get(page_of(number, "panel")))
    start_worker("upkeep")
    wait_until(lambda: boss.get(page_of(number, "panel")).headers.get("HX-Refresh"))
    assert not DayVersion.objects.exists() and Import.objects.get().state == Import.State.UNDONE
    assert "Undone: 2 days are removed." in text(boss.get(page_of(number)))
    assert "Undone: 2 days are removed." not in text(boss.get(page_of(number))), "once, like any message"


def test_what_stands_in_the_way_is_said_afterwards(boss: Client, number: int, start_worker: StartWorker) -> None:
    session = pin(number)
    start_worker("upkeep")
    boss.post(page_of(number, "undo"))
    wait_until(lambda: boss.get(page_of(number, "panel")).headers.get("HX-Refresh"))
    assert f"pinned by session {session}" in text(boss.get(page_of(number))) and DayVersion.objects.count() == 2
    boss.post(page_of(number, "undo"), {"where_possible": "1"})
    wait_until(lambda: DayVersion.objects.count() == 1)
    wait_until(lambda: boss.get(page_of(number, "panel")).headers.get("HX-Refresh"))
    assert "Undone: 1 day is removed." in text(boss.get(page_of(number)))


def test_a_dataset_is_deleted_by_a_worker(boss: Client, number: int, start_worker: StartWorker) -> None:
    page = text(boss.get(DELETE, {"dataset": "mine"}))
    assert "2 versions of AAPL, MSFT" in page and "A worker deletes them" in page
    asked = boss.post(DELETE, {"dataset": "mine"})
    assert "Waiting: 0 of 2 days" in text(boss.get(asked["Location"]))
    start_worker("upkeep")
    wait_until(lambda: boss.get(f"{asked['Location']}&panel=1").headers.get("HX-Refresh"))
    assert not Dataset.objects.exists()
    assert "Deleted: 2 versions of AAPL, MSFT" in text(boss.get(asked["Location"], follow=True))


def test_a_deletion_that_a_session_stands_in_the_way_of_says_so(boss: Client, number: int) -> None:
    session, place = pin(number), {"dataset": "mine", "date": "2025-07-02"}
    asked = boss.post(DELETE, place)
    tasks.delete("mine", "", "2025-07-02", "")
    assert f"Session {session} pinned days of it" in text(boss.get(asked["Location"]))
    assert DayVersion.objects.count() == 2


def test_progress_is_seen_while_the_transaction_is_not_over(
    boss: Client, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deleting, "BATCH", 1)
    seen: list[str] = []
    removal_queue.queue("undo", ("undo", number), 2, number, False)

    def verb(progress: deleting.Progress) -> str:
        def look(gone: int) -> None:
            progress(gone)
            seen.append(text(boss.get(page_of(number, "panel"))))

        return str(undo_import(number, progress=look).removed)

    removal_queue.work("undo", ("undo", number), (number, False), verb)
    assert ["Working: 1 of 2 days" in seen[0], "Working: 2 of 2 days" in seen[1]] == [True, True]


def test_a_defect_is_on_the_page_and_changes_nothing(boss: Client, number: int) -> None:
    def verb(progress: deleting.Progress) -> str:
        raise ZeroDivisionError("oops")

    with pytest.raises(ZeroDivisionError):
        removal_queue.work("undo", ("undo", number), (number, False), verb)
    assert "ZeroDivisionError: oops" in text(boss.get(page_of(number)))
    assert "Undo the import" in text(boss.get(page_of(number)))


def test_one_whose_worker_was_lost_can_be_asked_for_again(boss: Client, number: int) -> None:
    boss.post(page_of(number, "undo"))
    key = removal_queue._key(("undo", number))
    cache.set(key, replace(cache.get(key), state=State.WORKING, seen_at=time.time() - SILENT_SECONDS - 1))
    with locked_alone(Locks.REMOVAL):
        assert "Working: 0 of 2 days" in text(boss.get(page_of(number))), "looking at what is needed takes its time"
    page = text(boss.get(page_of(number)))
    assert "has not been heard of" in page and "Undo the import" in page
    boss.post(page_of(number, "undo"))
    assert "Waiting: 0 of 2 days" in text(boss.get(page_of(number)))


def test_while_another_is_done_it_waits(number: int) -> None:
    names = ("undo", number)
    removal_queue.queue("undo", names, 2, number, False)
    with locked_alone(Locks.REMOVAL):
        tasks.undo(number, False)
    found = removal_queue.find(*names)
    assert isinstance(found, Removal) and found.state == State.WAITING and found.working
    assert DayVersion.objects.count() == 2


def test_a_redis_that_takes_nothing_is_said(boss: Client, number: int, full_redis: None) -> None:
    answer = text(boss.post(page_of(number, "undo"), follow=True))
    assert "Redis does not take the task" in answer and "Undo the import" in answer


def test_the_panel_needs_the_permission(number: int) -> None:
    assert client(name="nobody").get(page_of(number, "panel")).status_code == 403
    assert client("view_dayversion", name="other").get(DELETE, {"dataset": "mine", "panel": "1"}).status_code == 403


def test_the_api_answers_at_once_and_says_how_far_it_is(boss: Client, number: int, start_worker: StartWorker) -> None:
    address = f"/api/imports/{number}/undo/"
    assert boss.get(address).status_code == 404
    for _ in range(2):
        asked = boss.post(address, {}, content_type="application/json")
        assert (asked.status_code, asked["Location"]) == (202, address)
        assert asked.json() == {"state": "waiting", "all_days": 2, "done_days": 0, "said": ""}
    start_worker("upkeep")
    wait_until(lambda: boss.get(address).json()["state"] == "done")
    assert boss.get(address).json() == {
        "state": "done",
        "all_days": 2,
        "done_days": 2,
        "said": "Undone: 2 days are removed.",
    }
    assert not DayVersion.objects.exists()


def test_the_api_deletes_by_a_worker(boss: Client, number: int) -> None:
    asked = boss.delete("/api/data/?dataset=mine&date=2025-07-02")
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    assert boss.delete("/api/data/?dataset=mine&date=2025-07-02&dry_run=true").json()["versions"] == 2
    tasks.delete("mine", "", "2025-07-02", "")
    assert boss.get(asked["Location"]).json()["said"].startswith("Deleted: 2 versions of AAPL, MSFT")
    assert not DayVersion.objects.exists()


def test_the_api_says_that_redis_takes_nothing(boss: Client, number: int, full_redis: None) -> None:
    answer = boss.post(f"/api/imports/{number}/undo/", {}, content_type="application/json")
    assert answer.status_code == 503 and "Redis does not take the task" in answer.json()["detail"]
