"""A doubt at a terminal is asked about, with the first rows; without one the file is refused."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from marketdata.importing import mappings
from marketdata.models import Bar, KeptMapping
from tests.own_services import ROOT
from tests.workers import database_url

pytestmark = pytest.mark.django_db(transaction=True)
PROJECT = ROOT.parents[1]
ROWS = "date,open,high,low,close,volume\n2025-07-02 09:30,10,11,9,10.5,100\n2025-07-02 09:31,10,11,9,10.6,100\n"


class Terminal:
    """A command on a pseudo terminal, talked to as a person does."""

    def __init__(self, *arguments: object) -> None:
        self._ours, theirs = pty.openpty()
        env = {**os.environ, "DATABASE_URL": database_url(), "TERM": "dumb", "COLUMNS": "200"}
        command = [sys.executable, "manage.py", *map(str, arguments)]
        self._process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, cwd=PROJECT)
        os.close(theirs)
        self.seen = ""
        self._at = 0

    def wait_for(self, text: str, seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while (found := self.seen.find(text, self._at)) < 0:
            if time.monotonic() > end or not self._more():
                self._process.kill()
                pytest.fail(f"{text!r} never came; seen: {self.seen}")
        self._at = found + len(text)

    def answer(self, text: str) -> None:
        os.write(self._ours, f"{text}\n".encode())

    def end(self) -> int:
        while self._more():
            pass
        os.close(self._ours)
        return self._process.wait(60)

    def _more(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], 60)
        if not ready:
            return False
        try:
            found = os.read(self._ours, 65_536)
        except OSError:  # the other end is closed
            return False
        self.seen += found.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(found)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "feed" / "AAPL.csv"
    path.parent.mkdir()
    path.write_text(ROWS)
    return path


def test_a_person_at_a_terminal_is_asked_and_the_answer_can_be_kept(file: Path) -> None:
    (file.parent / "MSFT.csv").write_text(ROWS)
    terminal = Terminal("import_bars", file.parent)
    terminal.wait_for("its stamps have no time zone")
    terminal.wait_for("2025-07-02 09:31,10,11,9,10.6,100")
    terminal.wait_for("empty leaves the file out")
    terminal.answer("Mars/Olympus")
    terminal.wait_for("is not a time zone")
    terminal.wait_for("empty leaves the file out")
    terminal.answer("1")
    terminal.wait_for("Also for the files that follow?")
    terminal.answer("")
    terminal.wait_for("Keep TZ America/New_York under a name")
    terminal.answer("broker")
    terminal.wait_for("--mapping broker")
    assert terminal.end() == 0
    assert set(Bar.objects.values_list("instrument__symbol", "start__hour")) == {("AAPL", 13), ("MSFT", 13)}
    assert KeptMapping.objects.get().options == {"TZ": "America/New_York"}
    (file.parent / "IBM.csv").write_text(ROWS)
    call_command("import_bars", str(file.parent / "IBM.csv"), mapping="broker", verbosity=0)
    assert Bar.objects.filter(instrument__symbol="IBM", start__hour=13).count() == 2


def test_an_empty_answer_leaves_the_file_out(file: Path) -> None:
    terminal = Terminal("import_bars", file)
    terminal.wait_for("empty leaves the file out")
    terminal.answer("")
    assert terminal.end() == 1
    assert "pass --tz" in terminal.seen and not Bar.objects.exists()


def test_yes_does_not_ask(file: Path) -> None:
    terminal = Terminal("import_bars", file, "--yes")
    assert terminal.end() == 1
    assert "pass --tz" in terminal.seen and "leaves the file out" not in terminal.seen


def test_without_a_terminal_a_doubt_is_refused(file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "import_bars", str(file)],
        env={**os.environ, "DATABASE_URL": database_url()},
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "pass --tz" in done.stderr and done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a b", {"TZ": "UTC"}, "is not a name"),
        ("x", {"TZ": "Mars"}, "is not a time zone"),
        ("set", {"TZ": "UTC"}, "MARKETDATA_MAPPINGS has 'set'"),
    ],
)
def test_a_mapping_that_cannot_be_kept_is_refused(
    settings: object, name: str, options: dict[str, str], message: str
) -> None:
    settings.MARKETDATA_MAPPINGS = {"set": {"TZ": "UTC"}}  # type: ignore[attr-defined]
    with pytest.raises(mappings.BadMapping, match=message):
        mappings.keep(name, options)


def test_a_mapping_that_is_not_there_is_named_with_those_that_are(file: Path) -> None:
    mappings.keep("broker", {"LABEL": "end"})
    with pytest.raises(CommandError, match="it has broker"):
        call_command("import_bars", str(file), mapping="other", stdout=StringIO())
    assert json.dumps(KeptMapping.objects.get().options) == '{"LABEL": "end"}'
