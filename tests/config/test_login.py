"""The admin's login: open to who knows the password, and not to be tried without end."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from sessions.redis_client import connection as redis_connection

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def three_tries(settings: Any) -> None:
    settings.API_RATES = {**settings.API_RATES, "login": 3}
    redis_connection().flushdb()
    User.objects.create_superuser("ada", password="secret")


def try_(password: str, address: str = "192.0.2.1") -> Any:
    return Client(REMOTE_ADDR=address).post("/admin/login/", {"username": "ada", "password": password})


def refused(answer: Any) -> bool:
    return "Too many tries from 192.0.2.1: come back in" in answer.content.decode()


def test_who_knows_the_password_comes_in() -> None:
    assert try_("secret").status_code == 302


def test_after_too_many_tries_the_right_password_is_refused_too() -> None:
    answers = [try_("guess") for _ in range(8)]  # in two minutes at the most
    assert refused(answers[-1])
    assert refused(try_("secret"))
    assert try_("secret", "192.0.2.2").status_code == 302


def test_tries_at_the_api_count_too() -> None:
    body = {"username": "ada", "password": "guess"}
    for _ in range(8):
        APIClient(REMOTE_ADDR="192.0.2.1").post("/api/token/", body, format="json")
    assert refused(try_("secret"))
