"""What commands about accounts share."""

from __future__ import annotations

from django.core.management.base import CommandParser

from broker import accounts
from broker.accounts import AccountError
from broker.models import Account
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
