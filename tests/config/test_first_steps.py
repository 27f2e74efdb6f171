"""What `make start` shows to a person who comes for the first time, and to one who comes back."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from config import first_steps
from config.management.commands.open_demo import SAMPLE
from marketdata.models import Dataset, DayVersion
from sessions.models import Session
from streaming.engine.playing.player import Player
from tests.streaming.rows import a_session

pytestmark = pytest.mark.django_db(transaction=True)


def opened() -> tuple[Session, str]:
    """The session of `open_demo`, and the lines about it."""
    out, lines = io.StringIO(), io.StringIO()
    call_command("open_demo", "--json", stdout=out, stderr=lines)
    return Session.objects.get(pk=json.loads(out.getvalue())["id"]), lines.getvalue()


def test_the_first_start_plays_the_sample(player: Player) -> None:
    session, lines = opened()
    assert "Importing sample/" in lines
    assert (session.dataset.name, session.symbols()) == ("google_2016", ["AAPL", "MSFT"])
    assert not session.dataset.synthetic
    assert (str(session.start_date), str(session.end_date)) == ("2016-04-15", "2016-04-29"), (
        "an hour and more to look at"
    )
    kinds = DayVersion.objects.filter(dataset=Dataset.objects.get(name="lean")).values_list("kind", flat=True)
    assert set(kinds) == {"bars", "ticks", "quotes"}


def test_without_the_sample_it_is_a_synthetic_day(player: Player, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.management.commands.open_demo.SAMPLE", Path("/nowhere"))
    session, _ = opened()
    assert session.dataset.synthetic
    assert len(session.calendar.trading_days(session.start_date, session.end_date)) == 11


def test_beside_a_live_session_no_demo_is_added(player: Player) -> None:
    live = a_session("IBM", name="mine", paused=True, state="paused")
    session, lines = opened()
    assert session == live and Session.objects.count() == 1
    assert f"Session {live.pk} stays paused: IBM at 2024-11-18 10:00 New York" in lines


def test_every_start_says_where_the_login_is(tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path
    password = first_steps.ensure_admin()
    assert password and password in first_steps.login_line(password)
    assert first_steps.ensure_admin() is None
    assert str(tmp_path / "admin_password") in first_steps.login_line(None)
    (tmp_path / "admin_password").unlink()
    assert "changepassword" in first_steps.login_line(None)


def test_the_sample_is_small_and_says_whose_it_is() -> None:
    files = [path for path in SAMPLE.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 3_000_000
    page = (SAMPLE / "README.md").read_text()
    for folder in {path.parent.relative_to(SAMPLE).as_posix() for path in files if path.parent != SAMPLE}:
        assert f"`{folder}`" in page
    assert "Ragu Ramaswamy" in (SAMPLE / "LICENSE.MIT").read_text()
