"""A session played by hand, and who reads it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from rest_framework.authtoken.models import Token

from tests.streaming.paper import Paper


@pytest.fixture
def paper(transactional_db: None) -> Paper:
    return Paper("AAPL", "MSFT")


def account(name: str, *codenames: str) -> dict[str, str]:
    """Headers of a new account with these permissions."""
    user = User.objects.create_user(name, password="secret")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return {"authorization": f"Token {Token.objects.create(user=user).key}"}


@pytest.fixture
def token(paper: Paper) -> dict[str, str]:
    """Of an account that may see sessions, and nothing else."""
    return account("viewer", "view_session")


@pytest.fixture
def operator(paper: Paper) -> dict[str, str]:
    """Of an account that may also control sessions."""
    return account("operator", "view_session", "change_session")
