"""Imports, uploads and deletions in the admin, without a browser."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from marketdata import tasks
from marketdata.admin.upload_form import AnswersForm
from marketdata.importing.uploads import page_words, received, upload_queue
from marketdata.importing.uploads import upload as uploads
from marketdata.importing.uploads.upload_queue import SILENT, TASKS
from marketdata.management.doubts import PARSERS
from marketdata.models import Bar, DayVersion, Import, Instrument, KeptMapping, Upload
from tests.marketdata.test_import_clashes import HEAD, OPEN, bars
from tests.marketdata.test_undo import imported, pin

pytestmark = pytest.mark.django_db
LOCAL = "date,open,high,low,close,volume\n2025-07-02 09:30,10,11,9,10.5,100\n2025-07-02 09:31,10,11,9,10.6,100\n"


@pytest.fixture(autouse=True)
def at_once(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's tasks run where they are sent."""
    settings.UPLOADS_FOLDER = tmp_path / "uploads"
    monkeypatch.setattr(upload_queue, "queue", lambda upload: getattr(tasks, TASKS[upload.state])(upload.pk))


def client(*permissions: str, name: str = "somebody") -> Client:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    found = Client()
    found.force_login(user)
    return found


@pytest.fixture
def boss() -> Client:
    return client("view_import", "add_import", "delete_import", "view_dayversion", "delete_dayversion")


def upload(browser: Client, *files: tuple[str, str], dataset: str = "mine") -> Any:
    sent = [SimpleUploadedFile(name, text.encode()) for name, text in files]
    return browser.post("/admin/marketdata/upload/add/", {"files": sent, "dataset": dataset}).json()


def rows(price: float) -> str:
    return HEAD + f"{OPEN},{price},{price},{price},{price},5\n{OPEN + 60},{price},{price},{price},{price},6\n"


def test_an_upload_is_read_seen_and_imported(boss: Client) -> None:
    page = upload(boss, ("AAPL.csv", rows(100)), ("MSFT.csv", rows(200)))["url"]
    shown = boss.get(page).content.decode()
    assert "Import 2 files" in shown and "symbol AAPL" in shown and "label start" in shown
    assert not DayVersion.objects.exists()
    found = Upload.objects.get()
    assert [one["symbol"] for one in found.found["previews"]] == ["AAPL", "MSFT"]
    assert found.found["previews"][0]["ledger"].startswith("TTA")
    boss.post(f"/admin/marketdata/upload/{found.pk}/answer/", {"dataset": "mine", "import": "1"})
    assert Bar.objects.count() == 4 and Import.objects.get().by == "somebody"
    done = boss.get(page).content.decode()
    assert f"/admin/marketdata/import/{Import.objects.get().pk}/change/" in done and "4 inserted" in done
    assert "776 minutes of the sessions have no bar" in done and "Replay AAPL" not in done
    starter = client("add_import", "add_session", name="starter")
    assert "Replay AAPL, MSFT on 2025-07-02" in starter.get(page).content.decode()
    assert not received.files_of(found)


def test_the_page_shows_how_far_the_work_is_until_it_is_done(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading shows file after file; of an import the first half of the bar is reading, the second writing."""
    seen: list[str] = []
    kept = uploads._progress

    def looked_at(upload: Upload, number: int) -> None:
        kept(upload, number)
        page = boss.get(f"/admin/marketdata/upload/{upload.pk}/panel/").content.decode()
        seen.append(re.sub(r"<[^>]*>", "", page).strip())

    monkeypatch.setattr(uploads, "_progress", looked_at)
    page = upload(boss, *[(f"{name}.csv", rows(100)) for name in ("AAPL", "IBM", "MSFT", "SPY")])["url"]
    assert seen == [f"Reading: {number} of 4 files" for number in (1, 2, 3, 4)]
    seen.clear()
    boss.post(page.replace("change", "answer"), {"dataset": "mine", "import": "1"})
    assert seen == [f"Importing: {number} of 4 files" for number in (1, 1, 1, 2, 3, 3, 4, 4)]
    assert boss.get(page.replace("change", "panel")).headers["HX-Refresh"] == "true"


def test_a_doubt_is_shown_with_the_first_rows_and_answered(boss: Client) -> None:
    page = upload(boss, ("AAPL.csv", LOCAL))["url"]
    shown = boss.get(page).content.decode()
    assert (
        "give “Time zone”, e.g. America/New_York" in shown
        and "--tz" not in shown
        and "2025-07-02 09:31,10,11,9,10.6,100" in shown
        and "Import 0 files" in shown
    )
    answer = page.replace("change", "answer")
    boss.post(answer, {"dataset": "mine", "tz": "America/New_York", "keep_as": "broker", "read": "1"})
    assert "zone America/New_York (given)" in boss.get(page).content.decode()
    assert KeptMapping.objects.get().options == {"TZ": "America/New_York"}
    boss.post(answer, {"dataset": "mine", "mapping": "broker", "symbol-0": "IBM", "import": "1"})
    assert set(Bar.objects.values_list("instrument__symbol", "start__hour")) == {("IBM", 13)}


def test_every_doubt_is_answered_by_a_field_of_the_page() -> None:
    labels = {
        field.label or str(name).replace("_", " ").capitalize() for name, field in AnswersForm(files=[]).fields.items()
    }
    asked = {option for option, field in page_words.FIELDS.items() if any(label.startswith(field) for label in labels)}
    assert asked == set(PARSERS) - {"symbol"} | {"mapping", "prices"}
    assert set(page_words.ADVICE) == set(PARSERS)


def test_one_of_several_venues_is_chosen_on_the_page(boss: Client) -> None:
    text = rows(100).replace("volume\n", "volume,venue\n").replace(",5\n", ",5,1\n").replace(",6\n", ",6,2\n")
    page = upload(boss, ("AAPL.csv", text))["url"]
    boss.post(page.replace("change", "answer"), {"dataset": "mine", "only": "venue=2", "read": "1"})
    assert 'value="venue=2"' in boss.get(page).content.decode()
    boss.post(page.replace("change", "answer"), {"dataset": "mine", "only": "venue=2", "import": "1"})
    assert Bar.objects.count() == 1


def test_files_of_other_forms_are_left_out_and_named(boss: Client) -> None:
    page = upload(boss, ("AAPL.csv", rows(100)), ("notes.docx", "x"))["url"]
    shown = boss.get(page).content.decode()
    assert "notes.docx" in shown and "Import 1 file<" in shown


def test_files_that_contradict_each_other_are_shown_and_left_out(boss: Client) -> None:
    page = upload(boss, ("AAPL_1.csv", rows(100)), ("AAPL_2.csv", rows(200)), ("IBM.csv", rows(5)))["url"]
    assert "AAPL_1.csv and AAPL_2.csv both have AAPL" in boss.get(page).content.decode()
    boss.post(page.replace("change", "answer"), {"dataset": "mine", "import": "1"})
    assert set(Instrument.objects.values_list("symbol", flat=True)) == {"IBM"}
    assert "neither is imported" in boss.get(page).content.decode()


@pytest.mark.parametrize(
    ("files", "dataset", "text"),
    [
        ((), "mine", "Choose at least one file"),
        ((("x.exe", "MZ"),), "mine", "x.exe: not one of the forms"),
        ((("AAPL.csv", "x"), ("AAPL.csv", "y")), "mine", "two files have this name"),
        ((("AAPL.csv", "x" * 5000),), "mine", "bytes are too many"),
        (tuple((f"A{n}.csv", "x") for n in range(4)), "mine", "4 files are too many"),
        ((("AAPL.csv", "x"),), "my data", "is not a dataset&#x27;s name"),
    ],
)
def test_what_is_not_taken_is_said(boss: Client, settings: Any, files: Any, dataset: str, text: str) -> None:
    settings.UPLOAD_MAX_BYTES, settings.UPLOAD_MAX_FILES = 4_000, 3
    detail = upload(boss, *files, dataset=dataset)["detail"]
    assert text.replace("&#x27;", "'") in detail and not Upload.objects.exists()


def test_a_name_stays_inside_its_folder(boss: Client, settings: Any) -> None:
    upload(boss, ("../../AAPL<b>.csv", rows(1)))
    (path,) = received.files_of(Upload.objects.get())
    assert path.name == "AAPL_b_.csv" and Path(settings.UPLOADS_FOLDER) in path.parents


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"tz": "Mars"}, "is not a time zone"),
        ({"dataset": "my data"}, "Enter a valid"),
        ({"calendar": "XXXX"}, "XXXX"),
        ({"symbol-0": "A B"}, "is not a symbol"),
    ],
)
def test_a_wrong_correction_is_said_at_its_field(boss: Client, fields: dict[str, str], text: str) -> None:
    page = upload(boss, ("AAPL.csv", rows(100)))["url"]
    answer = boss.post(page.replace("change", "answer"), {"dataset": "mine", "import": "1", **fields})
    assert answer.status_code == 200 and text in answer.content.decode() and not DayVersion.objects.exists()


def test_work_that_was_lost_with_its_worker_begins_anew(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as lost:
        lost.setattr(upload_queue, "queue", lambda upload: None)
        page = upload(boss, ("AAPL.csv", rows(100)))["url"]
    assert Upload.objects.get().state == "reading"
    now = dt.datetime.now(dt.UTC)
    assert upload_queue.silent(now) == [], "it may still be worked on"
    assert upload_queue.silent(now + SILENT + dt.timedelta(seconds=9)) == [Upload.objects.get()]
    upload_queue.queue_again(Upload.objects.get())
    assert Upload.objects.get().state == "read"
    boss.post(page.replace("change", "answer"), {"dataset": "mine", "import": "1"})
    imports = list(Import.objects.values_list("pk", flat=True))
    tasks.import_upload(Upload.objects.get().pk)
    assert Upload.objects.get().state == "done" and list(Import.objects.values_list("pk", flat=True)) == imports


def test_a_defect_reaches_the_page(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(upload: Upload) -> None:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(uploads, "read", broken)
    with pytest.raises(RuntimeError):
        upload(boss, ("AAPL.csv", rows(100)))
    found = Upload.objects.get()
    assert (found.state, found.error) == ("failed", "RuntimeError: no such thing")
    assert "no such thing" in boss.get(f"/admin/marketdata/upload/{found.pk}/change/").content.decode()


def test_uploading_needs_its_own_permission() -> None:
    other = client("view_import", "view_dayversion")
    assert other.get("/admin/marketdata/upload/add/").status_code == 403
    assert other.post("/admin/marketdata/upload/add/").status_code == 403
    assert other.get("/admin/marketdata/upload/").status_code == 403


def test_folders_of_forgotten_uploads_go(boss: Client) -> None:
    upload(boss, ("AAPL.csv", rows(100)))
    old = Upload.objects.get()
    Upload.objects.update(created_at=dt.datetime(2025, 1, 1, tzinfo=dt.UTC))
    assert received.files_of(old)
    upload(boss, ("MSFT.csv", rows(100)))
    assert not received.files_of(old)


def test_an_import_is_seen_and_undone(boss: Client, tmp_path: Path) -> None:
    number = imported(bars(tmp_path / "AAPL.csv", 100))
    page = f"/admin/marketdata/import/{number}/change/"
    assert "Undo the import" in boss.get(page).content.decode()
    assert str(tmp_path / "AAPL.csv") in boss.get("/admin/marketdata/import/").content.decode()
    answer = boss.post(f"/admin/marketdata/import/{number}/undo/", follow=True).content.decode()
    assert "Undone: 1 day is removed." in answer and not DayVersion.objects.exists()


def test_what_stands_in_the_way_is_shown_with_what_can_go_all_the_same(boss: Client, tmp_path: Path) -> None:
    for name in ("AAPL", "MSFT"):
        bars(tmp_path / "two" / f"{name}.csv", 100)
    number = imported(tmp_path / "two")
    session = pin(number)
    page = boss.get(f"/admin/marketdata/import/{number}/change/").content.decode()
    assert (
        f"pinned by session {session}" in page
        and "Undo the 1 other day<" in page
        and f"/admin/replay/session/{session}/change/" in page
    )
    boss.post(f"/admin/marketdata/import/{number}/undo/")
    assert DayVersion.objects.count() == 2
    boss.post(f"/admin/marketdata/import/{number}/undo/", {"where_possible": "1"})
    assert DayVersion.objects.count() == 1


def test_undo_and_deletion_need_their_permissions(tmp_path: Path) -> None:
    number = imported(bars(tmp_path / "AAPL.csv", 100))
    other = client("view_import", "view_dayversion")
    assert "Undo the import" not in other.get(f"/admin/marketdata/import/{number}/change/").content.decode()
    assert other.post(f"/admin/marketdata/import/{number}/undo/").status_code == 403
    assert other.get("/admin/marketdata/dayversion/delete/").status_code == 403
    assert DayVersion.objects.exists()


def test_days_are_deleted_after_a_look(boss: Client, tmp_path: Path) -> None:
    for name in ("AAPL", "MSFT"):
        bars(tmp_path / "two" / f"{name}.csv", 100)
    imported(tmp_path / "two")
    asked = {"dataset": "mine", "symbol": "AAPL", "date": "2025-07-02"}
    page = boss.get("/admin/marketdata/dayversion/delete/", asked).content.decode()
    assert "1 version of AAPL" in page and "for good" in page
    answer = boss.post("/admin/marketdata/dayversion/delete/", asked, follow=True).content.decode()
    assert "Deleted: 1 version" in answer
    assert DayVersion.objects.get().instrument.symbol == "MSFT"


def test_a_day_that_a_session_needs_is_not_deleted(boss: Client, tmp_path: Path) -> None:
    session = pin(imported(bars(tmp_path / "AAPL.csv", 100)))
    asked = {"dataset": "mine"}
    page = boss.get("/admin/marketdata/dayversion/delete/", asked).content.decode()
    assert f"Session {session} pinned days of it" in page and "for good" not in page
    boss.post("/admin/marketdata/dayversion/delete/", asked)
    assert DayVersion.objects.exists()
