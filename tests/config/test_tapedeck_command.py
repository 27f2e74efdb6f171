"""`tapedeck`: the verbs of manage.py, from a clone in any folder, and from a wheel."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from config.embedded.paths import default_var
from sessions.models import Session, State
from streaming.engine.playing.player import Player
from tests.streaming.rows import a_session
from tests.workers import ROOT, database_url


def tapedeck(*arguments: str, folder: Path, program: Path = ROOT / "tapedeck") -> subprocess.CompletedProcess[str]:
    env = os.environ | {"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL}
    env |= {"DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.run(
        [program, *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )


def played(*arguments: str) -> str:
    out = io.StringIO()
    call_command("play", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_sessions_are_listed_from_any_folder(tmp_path: Path) -> None:
    ended = a_session("IBM", state=State.COMPLETED)
    live = a_session("AAPL", "MSFT", name="watched")
    answer = tapedeck("sessions", folder=tmp_path)
    head, *rows = answer.stdout.splitlines()
    assert head.split()[:3] == ["ID", "STATE", "DAYS"]
    assert [row.split()[0] for row in rows] == [str(live.pk), str(ended.pk)]
    assert "AAPL, MSFT" in rows[0] and rows[0].endswith("watched")
    listed = json.loads(tapedeck("sessions", "--live", "--json", folder=tmp_path).stdout)
    assert [(row["id"], row["symbols"]) for row in listed] == [(live.pk, ["AAPL", "MSFT"])]


@pytest.mark.django_db(transaction=True)
def test_without_sessions_it_says_how_to_start_one(tmp_path: Path) -> None:
    assert "tapedeck play AAPL" in tapedeck("sessions", folder=tmp_path).stdout


@pytest.mark.django_db(transaction=True)
def test_play_shows_a_day_until_it_ends(player: Player) -> None:
    shown = played("AAPL", "MSFT", "2025-07-02", "2025-07-03", "--provider", "synthetic", "--speed", "0")
    session = Session.objects.get()
    assert (session.state, str(session.start_date), str(session.end_date)) == ("completed", "2025-07-02", "2025-07-03")
    assert "AAPL" in shown.splitlines()[-1] and "completed" in shown.splitlines()[-1]


@pytest.mark.django_db(transaction=True)
def test_play_returns_at_once_where_nobody_follows_at_sixty_times_the_market(player: Player) -> None:
    played("AAPL", "2025-07-02", "--provider", "synthetic", "--no-follow")
    session = Session.objects.get()
    assert session.is_live and session.speed == 60


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2025-07-02", "names no symbol"),
        ("AAPL 2025-07-01 2025-07-02 2025-07-03", "are 3 days"),
        ("AAPL 2025-07-02 --date 2025-07-03", "are both given"),
        ("AAPL 2025-13-02", "2025-13-02.* is not a date"),
    ],
)
def test_play_says_what_it_did_not_understand(line: str, reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        played(*line.split())


def test_data_is_beside_a_clone_and_in_the_users_folder_for_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_var(ROOT) == ROOT / "var"
    assert default_var(tmp_path) == tmp_path / "data" / "tapedeck"


@pytest.mark.django_db(transaction=True)
def test_a_wheel_brings_the_command_with_pages_and_styles(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", tmp_path, ROOT], cwd=tmp_path, check=True, timeout=170)
    (wheel,) = tmp_path.glob("tapedeck-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"web/templates/admin/index.html", "marketdata/static/marketdata/tapedeck.css"} <= names
    assert not any(name.startswith(("tests/", "benchmarks/", "clients/")) for name in names)
    place = tmp_path / "installed"
    subprocess.run([*pip, "install", "--no-deps", "--target", place, wheel], check=True, timeout=170)
    command = [place / "bin" / "tapedeck", "sessions"]
    env = os.environ | {"PYTHONPATH": str(place), "DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL}
    env |= {"DJANGO_SETTINGS_MODULE": "config.settings"}
    answer = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert "tapedeck play" in answer.stdout, answer.stderr
