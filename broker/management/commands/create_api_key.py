"""`manage.py create_api_key SESSION`."""

import argparse
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from broker import accounts
from broker.accounts import AccountError, Opening
from broker.matching.terms import OnBars, Profile, Terms
from broker.models import Account
from marketdata.management.explained import ExplainedCommand
from sessions import keys
from sessions.models import Session, SessionKey
from streaming.management.console import errors_in_one_line, get_session, to_json

TERMS = ("profile", "stale_seconds", "participation", "penetration", "slippage", "on_bars", "latency_ms", "seed")
OPENING = ("cash", "multiplier", "no_shorting", *TERMS)


class Command(ExplainedCommand):
    help = "Make a key to one session and print it; its secret is shown only now. A broker key has an account."
    examples = (
        "create_api_key 1",
        "create_api_key 1 --lockstep",
        "create_api_key 1 --kind broker --json",
        "create_api_key 1 --kind broker --account swing --cash 25000 --multiplier 4",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int, help="The session's number.")
        parser.add_argument("--kind", choices=SessionKey.Kind.values, default="reader", help="Default: reader.")
        parser.add_argument(
            "--lockstep", action="store_true", help="The replay may be made to wait for its holder, and so slowed down."
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        _add_account_arguments(parser.add_argument_group("account", "Of broker keys."))

    def handle(self, *args: Any, **options: Any) -> None:
        with errors_in_one_line(AccountError):
            session = get_session(options["id"])
            if options["kind"] == SessionKey.Kind.BROKER:
                key, secret, account = _broker_key(session, options)
            else:
                if given := [name for name in ("account", *OPENING) if options[name] is not None]:
                    raise AccountError(f"--{given[0].replace('_', '-')} is of an account: give --kind broker.")
                account = None
                key, secret = keys.create(session, options["kind"], by="create_api_key", lockstep=options["lockstep"])
        token = f"{key.key_id}.{secret}"
        payload = {"session": key.session_id, "kind": key.kind, "key_id": key.key_id}
        payload |= {"lockstep": key.lockstep, "secret": secret, "token": token}
        if account is not None:
            payload["account"] = account.name
        if options["json"]:
            self.stdout.write(to_json(payload))
        else:
            self.stdout.write("\n".join(_lines(key, secret, account)))


def _add_account_arguments(group: Any) -> None:
    group.add_argument("--account", help="An account of the session by name; it is made where there is none yet.")
    group.add_argument("--cash", type=_decimal, help="It begins with so many USD. Default: 100,000.")
    group.add_argument("--multiplier", type=int, choices=accounts.MULTIPLIERS, help="Of the equity. Default: 2.")
    group.add_argument("--no-shorting", action="store_true", default=None, help="It may not sell short.")
    group.add_argument("--profile", choices=list(Profile), help="How its orders are filled. Default: realistic.")
    group.add_argument("--stale", dest="stale_seconds", type=_decimal, metavar="S", help="Older quotes do not count.")
    group.add_argument("--participation", type=_decimal, help="Share of the volume that it may take. Default: 0.1.")
    group.add_argument("--penetration", type=int, help="Ticks by which a bar must pass a limit. Default: 1.")
    group.add_argument("--slippage", type=int, help="Ticks that a stop loses. Default: 0.")
    group.add_argument("--on-bars", choices=list(OnBars), help="Where market orders meet bars. Default: next_open.")
    group.add_argument("--latency", dest="latency_ms", type=int, metavar="MS", help="Before an order arrives.")
    group.add_argument("--seed", type=int, help="Of the partial fills of the profile paper. Default: 0.")


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not value.is_finite():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return value


def _broker_key(session: Session, options: dict[str, Any]) -> tuple[SessionKey, str, Account]:
    given = {name: options[name] for name in OPENING if options[name] is not None}
    name = options["account"] or ""
    with transaction.atomic():
        if name and Account.objects.filter(session=session, name=name).exists():
            if given:
                raise AccountError(
                    f"Account {name!r} of session {session.pk} exists: --{next(iter(given)).replace('_', '-')} "
                    "is for a new one."
                )
            account = accounts.named(session, name)
        else:
            account = accounts.create(session, _opening(name, given), by="create_api_key")
        return accounts.create_key(session, account, by="create_api_key", lockstep=options["lockstep"])


def _opening(name: str, given: dict[str, Any]) -> Opening:
    terms = Terms.of({field: given[field] for field in TERMS if field in given})
    return Opening(
        name=name,
        cash=given.get("cash", accounts.DEFAULT_CASH),
        multiplier=given.get("multiplier", 2),
        shorting=not given.get("no_shorting", False),
        terms=terms,
    )


def _lines(key: SessionKey, secret: str, account: Account | None) -> list[str]:
    if account is not None:
        return [f"Key id: {key.key_id}", f"Secret: {secret}", f"Account: {account.name}, {account.cash:,.2f} USD"]
    return [f"Key id: {key.key_id}", f"Token: {key.key_id}.{secret}", "Send it as `Authorization: Bearer <token>`."]
