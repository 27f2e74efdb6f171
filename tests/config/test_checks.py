"""What production lacks is named, with what to set; and no secret is shown at all."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from rest_framework.test import APIClient

from config.checks import production_settings
from sessions import keys
from tests.streaming.callers import log_in
from tests.streaming.rows import a_session

COMPLETE = {
    "PRODUCTION": True,
    "DEBUG": False,
    "ALLOWED_HOSTS": ["tape.example.org"],
    "EMBEDDED_POSTGRES": False,
    "EMBEDDED_REDIS": False,
    "TAPEDECK_URL": "https://tape.example.org",
    "CSRF_TRUSTED_ORIGINS": ["https://tape.example.org"],
}


def findings(settings: Any, **changes: Any) -> list[Any]:
    for name, value in {**COMPLETE, **changes}.items():
        setattr(settings, name, value)
    return production_settings(None)


def test_complete_settings_have_no_finding(settings: Any) -> None:
    assert findings(settings) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"PRODUCTION": False}, "PRODUCTION=1"),
        ({"DEBUG": True}, "Unset DEBUG"),
        ({"ALLOWED_HOSTS": []}, "ALLOWED_HOSTS=tape.example.org"),
        ({"EMBEDDED_POSTGRES": True}, "DATABASE_URL=postgresql://"),
        ({"EMBEDDED_REDIS": True}, "REDIS_URL=redis://"),
        ({"TAPEDECK_URL": "http://127.0.0.1:8000"}, "TAPEDECK_URL=https://"),
        ({"CSRF_TRUSTED_ORIGINS": ["tape.example.org"]}, "https://tape.example.org"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_is_missing_is_reported_with_what_to_set(settings: Any, change: dict[str, Any], words: str) -> None:
    [finding] = findings(settings, **change)
    assert words in finding.hint


@pytest.mark.django_db
def test_no_secret_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="django.request")
    session = a_session("AAPL")
    key, secret = keys.create(session)
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {key.key_id}.{secret}")
    assert client.get(f"/api/sessions/{session.pk}/").status_code == 200
    assert client.get("/api/bars/?symbol=AAPL").status_code == 403
    log_in("view_session")
    guess = {"username": "user0", "password": "hunter2"}
    assert client.post("/api/token/", guess, format="json").status_code in (400, 401)
    assert APIClient().post("/api/token/", guess, format="json").status_code == 400
    assert len(caplog.records) > 2
    assert secret not in caplog.text
    assert "hunter2" not in caplog.text
