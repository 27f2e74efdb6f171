"""Who a request comes from, and what they may still do later: a stream outlives the request that opened it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.models import User
from django.http import HttpRequest
from rest_framework.authtoken.models import Token

from sessions import keys
from sessions.models import SessionKey

VIEW_SESSION, CONTROL_SESSION = "replay.view_session", "replay.change_session"
VIEW_ACCOUNT, OPEN_ACCOUNT, TRADE_ACCOUNT = "broker.view_account", "broker.add_account", "broker.trade_account"
LOOK_AHEAD = "marketdata.view_bar"
"""The store holds what is later than a session's clock: who may read it may see what a session has of tomorrow."""
ANALYZE = (VIEW_SESSION, LOOK_AHEAD)
"""For what reads the store on a session's behalf, as analysts may."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A session key, or an account and what it was recognized by: an API token or a browser's login."""

    key_id: str = ""
    user_id: int | None = None
    token: str = ""
    login: str = ""
    permissions: tuple[str, ...] = (VIEW_SESSION,)
    """What the account must have."""

    @property
    def owner(self) -> str:
        """Whose a lockstep reader's name is."""
        return f"key:{self.key_id}" if self.key_id else f"user:{self.user_id}"


def holder_of(
    request: HttpRequest, user: Any, auth: Any = None, permissions: tuple[str, ...] = (VIEW_SESSION,)
) -> Holder:
    """`auth`: what the API recognized the caller by; None for a browser's login."""
    if isinstance(auth, SessionKey):
        return Holder(key_id=auth.key_id)
    if isinstance(auth, Token):
        return Holder(user_id=user.pk, token=auth.key, permissions=permissions)
    return Holder(user_id=user.pk, login=request.session.session_key or "", permissions=permissions)


def entitled(holders: Iterable[Holder]) -> set[Holder]:
    """Those who may still read: their key is not revoked, their account active, permitted, and still logged in."""
    holders = set(holders)
    key_ids = keys.valid(holder.key_id for holder in holders if holder.key_id)
    tokens = _tokens(holder.token for holder in holders if holder.token)
    users = User.objects.filter(pk__in={holder.user_id for holder in holders if holder.user_id}, is_active=True)
    accounts = {user.pk: user for user in users}
    return {holder for holder in holders if holder.key_id in key_ids or _account_may(holder, accounts, tokens)}


def _account_may(holder: Holder, accounts: Mapping[int, User], tokens: set[str]) -> bool:
    user = accounts.get(holder.user_id or 0)
    if user is None or not user.has_perms(holder.permissions):
        return False
    return holder.token in tokens if holder.token else _logged_in(holder.login, user)


def _tokens(keys: Iterable[str]) -> set[str]:
    return set(Token.objects.filter(key__in=list(keys)).values_list("key", flat=True))


def _logged_in(login: str, user: User) -> bool:
    """Whether the browser's login is there, and no older than the password."""
    store = import_module(settings.SESSION_ENGINE).SessionStore(login)
    kept = store.load() if login else {}
    return compare_digest(kept.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
