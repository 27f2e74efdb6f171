"""Files dropped on the import page in a real browser: read, corrected, imported by a worker, and undone."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from marketdata.models import Bar, DayVersion, Import
from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)
HEAD = "date,open,high,low,close,volume\n"
ADD = "/admin/marketdata/upload/add/"


def file(folder: Path, name: str, price: float) -> Path:
    """A morning of New York's own stamps, without a zone."""
    minutes = [f"2025-07-02 {9 + (30 + m) // 60:02}:{(30 + m) % 60:02}" for m in range(120) if m != 40]
    rows = [f"{at},{price},{price + 1},{price - 1},{price + 0.5},{100 + n}" for n, at in enumerate(minutes)]
    path = folder / name
    path.write_text(HEAD + "\n".join(rows) + "\n")
    return path


def drop(page: Page, *paths: Path) -> None:
    """As from another window onto the marked place."""
    held = page.evaluate_handle(
        """(files) => { const held = new DataTransfer();
          for (const [name, text] of files) held.items.add(new File([text], name)); return held; }""",
        [[path.name, path.read_text()] for path in paths],
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": held})


def test_files_are_dropped_seen_corrected_imported_and_undone(
    open_page: OpenPage, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    page = open_page(ADD)
    drop(page, file(tmp_path, "AAPL.csv", 100), file(tmp_path, "MSFT.csv", 200))
    expect(page.locator("#chosen li")).to_have_count(2)
    page.get_by_label("Dataset").fill("mine")
    page.get_by_role("button", name="Read the files").click()
    expect(page.get_by_text("give “Time zone”").first).to_be_visible()
    expect(page.get_by_text("2025-07-02 09:30,100,101,99,100.5,100").first).to_be_visible()
    expect(page.get_by_role("button", name="Import 0 files")).to_be_disabled()
    page.get_by_label("Time zone").fill("America/New_York")
    page.get_by_role("button", name="Read again").click()
    expect(page.locator("#span")).to_have_text(re.compile(r"Bars from 09:30 to 11:29, 119 of 390 minutes"))
    expect(page.locator("#chart canvas").first).to_be_visible()
    page.get_by_label("Which day").select_option(label="MSFT 2025-07-02, MSFT.csv")
    expect(page.locator("#legend")).to_contain_text("C 200.50")
    assert not DayVersion.objects.exists()
    page.get_by_role("button", name="Import 2 files").click()
    expect(page.get_by_text("238 inserted")).to_be_visible()
    assert Bar.objects.count() == 238
    page.get_by_role("link", name=re.compile(r"Import \d+ into mine")).click()
    page.get_by_role("button", name="Undo the import").click()
    expect(page.get_by_text("2 days are removed")).to_be_visible()
    assert not DayVersion.objects.exists() and Import.objects.get().state == "undone"


def test_what_is_too_much_or_of_another_form_is_said_on_the_page(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(ADD)
    page.get_by_role("button", name="Read the files").click()
    expect(page.get_by_role("alert")).to_have_text("Choose at least one file.")
    program = tmp_path / "x.exe"
    program.write_text("MZ")
    page.locator("#files").set_input_files(program)
    page.get_by_role("button", name="Read the files").click()
    expect(page.get_by_role("alert")).to_contain_text("x.exe: not one of the forms")
    drop(page, file(tmp_path, "AAPL.csv", 100), file(tmp_path, "MSFT.csv", 100))
    expect(page.locator("#chosen li")).to_have_count(3)
    expect(page.get_by_role("alert")).to_be_hidden()
    page.get_by_role("button", name="Remove x.exe").click()
    page.get_by_role("button", name="Remove MSFT.csv").click()
    expect(page.locator("#chosen li")).to_have_text([re.compile("AAPL.csv")])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_fits(
    open_page: OpenPage, worker: subprocess.Popen[bytes], tmp_path: Path, width: int, theme: str
) -> None:
    page = open_page(ADD, width=width, theme=theme)
    page.locator("#files").set_input_files(file(tmp_path, "AAPL.csv", 100))
    page.get_by_role("button", name="Read the files").click()
    page.get_by_label("Time zone").fill("America/New_York")
    page.get_by_role("button", name="Read again").click()
    expect(page.locator("#chart canvas").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
