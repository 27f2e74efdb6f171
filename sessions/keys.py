"""Keys to one session: `reader` keys see what it shows, `broker` keys also trade in it.

A token is `<key_id>.<secret>`. The secret has 256 random bits, so its plain SHA-256 is as good as a slow hash;
it is shown once, when the key is made.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from sessions.models import Session, SessionKey

Kind = SessionKey.Kind
PREFIX = {Kind.READER: "RK", Kind.BROKER: "PK"}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
KEY_ID = re.compile(r"[A-Z0-9]{1,20}")
USED_EVERY = dt.timedelta(minutes=1)
"""`last_used_at` is no finer than this: a busy bot must not write a row per request."""


class KeyUnknown(LookupError):
    """No key has this id."""


def create(
    session: Session, kind: str = Kind.READER, by: str = "", *, lockstep: bool = False
) -> tuple[SessionKey, str]:
    """A new key and its secret, which is shown this once. `lockstep`: the replay may be made to wait for its holder."""
    kind = Kind(kind)
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        key = SessionKey.objects.create(
            session=session,
            kind=kind,
            lockstep=lockstep,
            key_id=PREFIX[kind] + "".join(secrets.choice(LETTERS) for _ in range(18)),
            secret_hash=_hash(secret),
            created_by=by,
        )
        _record(key, f"{kind} key {key.key_id} made{' with the right to lockstep' if lockstep else ''}", by)
    return key, secret


def check(
    key_id: str,
    secret: str,
    kind: str | None = None,
    related: Sequence[str] = ("session__run", "session__dataset"),
) -> SessionKey | None:
    """The key, where id, secret and kind are right and it is not revoked; notes that it was used.

    `kind`: None is any. `related`: what is read with it.
    """
    rows = SessionKey.objects.select_related(*related).filter(key_id=key_id)
    key = rows.first() if KEY_ID.fullmatch(key_id) else None  # Postgres takes no NUL, not even to look for it
    right = hmac.compare_digest(key.secret_hash if key else _hash(""), _hash(secret))
    if key is None or not right or kind not in (None, key.kind) or key.revoked_at is not None:
        return None
    if key.last_used_at is None or abs(timezone.now() - key.last_used_at) > USED_EVERY:
        SessionKey.objects.filter(pk=key.pk).update(last_used_at=Now())
    return key


def check_token(token: str) -> SessionKey | None:
    """`check` of a token `<key_id>.<secret>`; None also for what is no token at all."""
    key_id, dot, secret = token.partition(".")
    return check(key_id, secret) if dot else None


def valid(key_ids: Iterable[str]) -> set[str]:
    """Those of the keys that are there and not revoked."""
    rows = SessionKey.objects.filter(key_id__in=list(key_ids), revoked_at=None)
    return set(rows.values_list("key_id", flat=True))


def revoke(key_id: str, by: str = "") -> SessionKey:
    """End a key, at once and for good. Revoking it again changes nothing. Raises KeyUnknown."""
    with transaction.atomic():
        changed = SessionKey.objects.filter(key_id=key_id, revoked_at=None).update(revoked_at=Now())
        key = SessionKey.objects.select_related("session").filter(key_id=key_id).first()
        if key is None:
            raise KeyUnknown(f"There is no key {key_id!r}.")
        if changed:
            _record(key, f"{key.kind} key {key.key_id} revoked", by)
    return key


def _record(key: SessionKey, message: str, by: str) -> None:
    key.session.record("key", f"{message} by {by}" if by else message, by=by, key_id=key.key_id)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
