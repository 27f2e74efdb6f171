"""Accounts and the keys that trade them."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F

from broker.matching.state import State
from broker.matching.terms import Terms
from broker.models import Account, AccountKey
from sessions import keys, wakeup
from sessions.models import Session, SessionKey
from streaming.as_of.newest_frame import clock_ms

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
NUMBER_LENGTH = 10
DEFAULT_CASH = Decimal(100_000)
MOST_CASH = Decimal(10) ** 12
MULTIPLIERS = (1, 2, 4)


class AccountError(Exception):
    """An account that cannot be made so; the text is for whoever asked."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What an account begins with."""

    name: str = ""
    """Empty: numbered."""
    cash: Decimal = DEFAULT_CASH
    multiplier: int = 2
    shorting: bool = True
    terms: Terms = field(default_factory=Terms)


def create(session: Session, opening: Opening | None = None, by: str = "") -> Account:
    """An account that begins at the session's clock. Raises AccountError."""
    opening = opening or Opening()
    _check(opening)
    with transaction.atomic():
        Session.objects.select_for_update(no_key=True).only("pk").get(pk=session.pk)
        name = opening.name or f"account {Account.objects.filter(session=session).count() + 1}"
        if Account.objects.filter(session=session, name=name).exists():
            raise AccountError(f"Session {session.pk} has an account {name!r} already: give another name.")
        now = clock_ms(session)
        state = State(cash=opening.cash, last_equity=opening.cash).as_payload()
        account = begin(
            session,
            now,
            state,
            name=name,
            cash=opening.cash,
            multiplier=opening.multiplier,
            shorting=opening.shorting,
            terms=opening.terms.as_payload(),
            created_by=by,
        )
        Session.objects.filter(pk=session.pk).update(control_version=F("control_version") + 1)
        session.record("account", f"{called(name)} opened with {opening.cash:,.2f} USD", by=by)
        transaction.on_commit(lambda: wakeup.send(session.pk))
    return account


def begin(session: Session, at_ms: int, state: dict[str, Any], **fields: Any) -> Account:
    """A row of its own that stands at an instant as `state` says."""
    stands = {"opened_ms": at_ms, "through_ms": at_ms, "opening": state, "state": state}
    return Account.objects.create(session=session, number=account_number(), **stands, **fields)


def _check(opening: Opening) -> None:
    if not 0 < opening.cash <= MOST_CASH:
        raise AccountError(f"Cash of {opening.cash} is not possible: give a number above 0, {MOST_CASH:,} at most.")
    if opening.multiplier not in MULTIPLIERS:
        raise AccountError(f"A multiplier of {opening.multiplier} is not possible: give 1, 2 or 4.")
    terms = opening.terms
    if not 0 < terms.participation <= 1:
        raise AccountError(f"A participation of {terms.participation} is not possible: give a share up to 1.")
    for name in ("stale_seconds", "penetration", "slippage", "latency_ms"):
        if getattr(terms, name) < 0:
            raise AccountError(f"{name} of {getattr(terms, name)} is not possible: give 0 or more.")


def account_number() -> str:
    """A number like those of the broker's paper accounts."""
    return "PA" + "".join(secrets.choice(LETTERS) for _ in range(NUMBER_LENGTH))


def create_key(
    session: Session, account: Account | None = None, by: str = "", *, lockstep: bool = False
) -> tuple[SessionKey, str, Account]:
    """A broker key, its secret, which is shown this once, and its account: a new one unless one is given."""
    with transaction.atomic():
        account = account or create(session, by=by)
        key, secret = keys.create(session, SessionKey.Kind.BROKER, by=by, lockstep=lockstep)
        AccountKey.objects.create(key=key, account=account)
    return key, secret, account


def account_id_of(key: SessionKey) -> int:
    """The account of a broker key; one is made where the key has none yet."""
    with suppress(AccountKey.DoesNotExist):
        return key.account_key.account_id
    with transaction.atomic():
        SessionKey.objects.select_for_update(no_key=True).get(pk=key.pk)
        found = AccountKey.objects.filter(key=key).first()
        if found is None:
            found = AccountKey.objects.create(key=key, account=create(key.session, by=key.created_by))
    return found.account_id


def named(session: Session, name: str) -> Account:
    """Raises AccountError."""
    account = Account.objects.filter(session=session, name=name).first()
    if account is None:
        names = ", ".join(Account.objects.filter(session=session).values_list("name", flat=True)) or "none"
        raise AccountError(f"Session {session.pk} has no account {name!r}: it has {names}.")
    return account


def called(name: str) -> str:
    """In a sentence: account swing; account 2, which is called so."""
    return name if name.startswith("account ") else f"account {name}"
