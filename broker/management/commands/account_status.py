"""`manage.py account_status SESSION`."""

from typing import Any

from django.core.management.base import CommandParser

from broker import reports
from broker.accounts import AccountError
from broker.management.accounts import add_account_arguments, chosen_account
from broker.refusals import Refusal
from marketdata.management.explained import ExplainedCommand
from streaming.management.console import errors_in_one_line, table, to_json

HEAD = ("SYMBOL", "SHARES", "FREE", "ENTRY", "PRICE", "VALUE", "P&L")
FIELDS = ("symbol", "qty", "available", "average_entry", "price", "market_value", "unrealized")


class Command(ExplainedCommand):
    help = "Show an account as of its session's clock: cash, equity, buying power and positions."
    examples = ("account_status 1", "account_status 1 --account swing --json")

    def add_arguments(self, parser: CommandParser) -> None:
        add_account_arguments(parser)
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        with errors_in_one_line(AccountError, Refusal):
            found = reports.account(chosen_account(options["id"], options["account"]))
        if options["json"]:
            self.stdout.write(to_json(found))
            return
        self.stdout.write(
            f"{found['name']} of session {found['session']} at {found['clock']}\n"
            f"equity {float(found['equity']):,.2f}, cash {float(found['cash']):,.2f}, "
            f"buying power {float(found['buying_power']):,.2f}, {found['open_orders']} open orders"
        )
        rows = [tuple(str(row[name]) for name in FIELDS) for row in found["positions"]]
        self.stdout.write(table(HEAD, rows) if rows else "No positions.")
