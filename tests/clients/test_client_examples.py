"""The package's examples, run as they are against a real server with a real worker."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tapedeck_client import Client, Session
from tests.web_server import WebServer
from tests.workers import ROOT, StartWorker

pytestmark = pytest.mark.django_db(transaction=True)
PACKAGE = ROOT / "clients" / "python"
ELSEWHERE = {"trade.py"}
"""In `test_lockstep_trading`: the replay has to wait for it for longer than this server's readers may be silent."""
EXAMPLES = sorted({path.name for path in (PACKAGE / "examples").glob("*.py")} - ELSEWHERE)
ARGUMENTS = {"drive_a_session.py": ("IBM", "2025-07-02", "synthetic")}
EXPECTED = {
    "bars_as_frames.py": r"20:00:00\+00:00 \d+\.\d+",
    "drive_a_session.py": r"^14:30 \d+\.\d\d\nstopped$",
    "follow_bars.py": r"^2025-07-02 20:00 IBM \d+\.\d\d$",
    "spreads.py": r"^\d\d:\d\d:\d\d\.\d{6} \d+\.\d\d$",
    "train_in_lockstep.py": r"^20:00 (above|below) its average$",
}


@pytest.fixture
def environment(web: WebServer, token: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What a program of the package's user has."""
    values = {"TAPEDECK_URL": web.url, "TAPEDECK_TOKEN": token, "PYTHONPATH": str(PACKAGE / "src")}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    return dict(os.environ)


@pytest.fixture
def played(start_worker: StartWorker, owner: Client) -> Session:
    """A day that is over."""
    start_worker()
    recipe: dict[str, Any] = {"types": ["bars", "quotes"], "clock_step": 60_000}
    session = owner.start(["IBM"], date="2025-07-02", provider="synthetic", speed=0, **recipe)
    session.wait(("completed",))
    return session


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_does_what_it_says(
    name: str, played: Session, environment: dict[str, str], tmp_path: Path
) -> None:
    command = [sys.executable, str(PACKAGE / "examples" / name), *ARGUMENTS.get(name, (str(played.id), "IBM"))]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert re.search(EXPECTED[name], done.stdout, flags=re.M), done.stdout[-2000:]


def test_the_notebook_runs_from_its_first_cell_to_its_last(
    start_worker: StartWorker, environment: dict[str, str], tmp_path: Path
) -> None:
    start_worker()
    notebook = nbformat.read(PACKAGE / "examples" / "first_steps.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "it is kept without outputs"
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    pictures = [html for cell in notebook.cells for html in _pictures(cell)]
    *_, paused, watched, in_a_task = pictures  # the first sight of the session may have one already
    assert "paused" in paused and "2025-07-02 15:30:00 UTC" in paused and "AAPL 1m" in paused
    assert "completed" in watched and "2025-07-02 20:00:00 UTC" in watched and "MSFT 5m" in watched
    assert "completed" in in_a_task and "AAPL 1m" in in_a_task
    assert all("<script" not in html and "http" not in html for html in pictures)
    assert notebook.cells[-2].outputs[-1].data["text/plain"] == "390"
    traded, orders = notebook.cells[9].outputs, notebook.cells[10].outputs[-1].data["text/plain"]
    assert re.match(r"filled at \d+\.\d+\n", traded[0].text) and "AAPL</td>" in traded[-1].data["text/html"]
    assert all(word in orders for word in ("entry", "take_profit", "stop_loss"))


def test_the_notebook_and_the_readme_install_the_same() -> None:
    """The package is in no registry: it is installed from its folder."""
    notebook = nbformat.read(PACKAGE / "examples" / "first_steps.ipynb", as_version=4)
    said = re.findall(r"pip install '?([^\s'\[]+)", notebook.cells[0].source + (PACKAGE / "README.md").read_text())
    assert len(said) > 1 and set(said) == {"./clients/python"}


def _pictures(cell: Any) -> list[str]:
    data = [output.get("data", {}) for output in cell.get("outputs", [])]
    return [found["text/html"] for found in data if "<svg" in found.get("text/html", "")]
