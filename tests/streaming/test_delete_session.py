"""`delete_session`: ended sessions go, all that are named or none; live ones are named with what to do."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError

from sessions.models import Session, State
from tests.streaming.rows import a_session
from tests.streaming.test_commands import run

pytestmark = pytest.mark.django_db


def test_ended_sessions_are_deleted_and_live_ones_named_with_what_to_do() -> None:
    ended, live = a_session("AAPL", state=State.COMPLETED), a_session("MSFT")
    with pytest.raises(CommandError, match=f"Session {live.pk} is live: stop it first.*`stop_session {live.pk}`"):
        run("delete_session", ended.pk, live.pk)
    assert Session.objects.count() == 2
    assert json.loads(run("delete_session", ended.pk, "--json")[0]) == {"deleted": [ended.pk]}
    assert list(Session.objects.all()) == [live]
    with pytest.raises(CommandError, match=f"There is no session {ended.pk}"):
        run("delete_session", ended.pk)
