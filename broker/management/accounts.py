"""What commands about accounts share."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.management.base import CommandParser

from broker import accounts
from broker.accounts import AccountError
from broker.models import Account
from broker.reports import price_text
from sessions.market_time import shown
from sessions.models import Session
from streaming.management.console import get_session


def add_account_arguments(parser: CommandParser) -> None:
    parser.add_argument("id", type=int, help="The session's number.")
    parser.add_argument("--account", metavar="NAME", help="Default: the session's only one.")


def chosen_account(session_id: int, name: str | None) -> Account:
    """Raises AccountError, SessionUnknown."""
    session = get_session(session_id)
    if name:
        return accounts.named(session, name)
    found = list(Account.objects.filter(session=session)[:2])
    if not found:
        hint = f"make one with create_api_key {session_id} --kind broker"
        raise AccountError(f"Session {session_id} has no account: {hint}.")
    if len(found) > 1:
        names = ", ".join(Account.objects.filter(session=session).values_list("name", flat=True))
        raise AccountError(f"Session {session_id} has several accounts: choose one with --account, of {names}.")
    return found[0]


def at(text: str | None, session: Session) -> str:
    """A report's moment, for people: in the exchange's time."""
    return shown(dt.datetime.fromisoformat(text), session) if text else "-"


def cell(name: str, value: Any) -> str:
    """A report's value for people: money in cents, prices in at most four decimals, the rest as it is."""
    if value is None:
        return ""
    if name in ("market_value", "unrealized"):
        return f"{float(value):,.2f}"
    if name in ("average_entry", "price", "filled_average", "limit_price", "stop_price"):
        return price_text(value)
    return str(value)
