"""What the admin's pages and their scripts may be asked with: refused in a sentence, never a page of a fault."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from sessions.models import Session
from tests.streaming.rows import a_session

pytestmark = pytest.mark.django_db(transaction=True)
DIGITS = "9" * 5000
LISTS = [
    *("session/?state=%00", "sessionevent/?kind=%00", "sessionevent/?level=%00"),
    *("activestream/?stream_type=%00", "session/?q=%00", "session/?p=%00"),
]
SCRIPTS = [
    *("session/symbols/?q=%00", f"session/symbols/?dataset={DIGITS}", "session/symbols/?dataset=x"),
    *("session/month/?symbols=%00", f"session/month/?dataset={DIGITS}", "session/month/?month=9999-12"),
    *("session/month/?month=0001-01", "session/{session}/earlier/?before=0001-01-01"),
    *("session/{session}/earlier/?before=9999-12-31", "session/{session}/earlier/?symbol=%00"),
    *("session/{session}/feed/?account=%00", f"session/{DIGITS}/earlier/", f"session/{DIGITS}/feed/"),
]
STORED = [
    *("dayversion/?kind=%00", f"dayversion/?dataset={DIGITS}", f"bar/?dataset={DIGITS}", f"trade/?dataset={DIGITS}"),
    *(
        f"quote/?dataset={DIGITS}",
        f"dayversion/{DIGITS}/change/",
        f"dataset/{DIGITS}/delete/",
        f"import/{DIGITS}/change/",
    ),
]
PAGES = [f"replay/{path}" for path in (*LISTS, *SCRIPTS)] + [f"marketdata/{path}" for path in STORED]
PAGES.append("broker/order/?status=%00")


@pytest.fixture
def session(transactional_db: None) -> Session:
    return a_session("AAPL")


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p[:60])
def test_no_address_breaks_a_page(session: Session, path: str) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("boss"))
    answer = client.get(f"/admin/{path}".replace("{session}", str(session.pk)))
    assert answer.status_code < 500, path
    if "%00" in path:
        assert (answer.status_code, answer.content[:38]) == (400, b"The address has a NUL character (%00):")
