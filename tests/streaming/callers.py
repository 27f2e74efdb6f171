"""Callers of the API, and what every refusal of it looks like."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

ALL = ("view_session", "add_session", "change_session", "view_bar")


def log_in(*permissions: str) -> APIClient:
    """A client whose user has exactly these permissions."""
    user = User.objects.create_user(f"user{User.objects.count()}", password="secret")
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = APIClient()
    client.force_authenticate(User.objects.get(pk=user.pk))
    return client


def assert_problem(answer: Any, status: int, *words: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert {"type", "title", "detail"} <= body.keys()
    for word in words:
        assert word in body["detail"]
    return body
