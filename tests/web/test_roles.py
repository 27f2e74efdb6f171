"""Roles: groups that are there after `migrate`, each with what the one before it may and more."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from rest_framework.test import APIClient

from tests.streaming.rows import a_session

pytestmark = pytest.mark.django_db

MAY = {
    "viewer": {"see"},
    "analyst": {"see", "store"},
    "operator": {"see", "store", "control", "key"},
    "admin": {"see", "store", "control", "key", "users"},
}


def member(role: str) -> User:
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


KEYS = {f"replay.{verb}_sessionkey" for verb in ("add", "view", "change", "delete")}
CONTROL = {"replay.add_session", "replay.change_session", *KEYS, "broker.add_account", "broker.trade_account"}


def permissions(role: str) -> set[str]:
    found = Group.objects.get(name=role).permissions.select_related("content_type")
    return {f"{one.content_type.app_label}.{one.codename}" for one in found}


def every(*apps: str, verb: str = "") -> set[str]:
    found = Permission.objects.filter(content_type__app_label__in=apps, codename__startswith=verb)
    return {f"{one.content_type.app_label}.{one.codename}" for one in found.select_related("content_type")}


def test_a_role_has_the_permissions_that_the_readme_names() -> None:
    viewer = every("replay", "broker", verb="view_") - {"replay.view_sessionkey"}
    analyst = viewer | every("marketdata", verb="view_")
    assert permissions("viewer") == viewer
    assert permissions("analyst") == analyst
    assert permissions("operator") == analyst | CONTROL
    assert permissions("admin") == every("replay", "broker", "marketdata", "auth", "authtoken")


@pytest.mark.parametrize("role", MAY)
def test_a_role_may_what_it_should_over_the_api(role: str) -> None:
    session = a_session("AAPL")
    client = APIClient()
    client.force_authenticate(member(role))
    here = f"/api/sessions/{session.pk}/"
    answers = {
        "see": client.get(here),
        "store": client.get("/api/bars/?symbol=AAPL"),
        "control": client.post(f"{here}speed/", {"speed": 2}, format="json"),
        "key": client.post(f"{here}keys/", {}, format="json"),
    }
    assert {name for name, answer in answers.items() if answer.status_code < 300} == MAY[role] - {"users"}
    assert all(answer.status_code in (200, 201, 403) for answer in answers.values())


@pytest.mark.parametrize("role", MAY)
def test_a_role_may_what_it_should_in_the_admin(role: str) -> None:
    a_session("AAPL")
    client = Client()
    client.force_login(member(role))
    pages = {
        "see": "/admin/replay/session/",
        "store": "/admin/marketdata/dayversion/",
        "control": "/admin/replay/session/add/",
        "key": "/admin/replay/sessionkey/add/",
        "users": "/admin/auth/user/",
    }
    assert {name for name, page in pages.items() if client.get(page).status_code == 200} == MAY[role]
