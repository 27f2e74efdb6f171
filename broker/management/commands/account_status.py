"""`manage.py account_status SESSION`."""

from typing import Any

from django.core.management.base import CommandParser

from broker import reports
from broker.accounts import AccountError
from broker.management.accounts import add_account_arguments, at, cell, chosen_account
from broker.refusals import Refusal
from marketdata.management.explained import ExplainedCommand
from marketdata.plurals import counted
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
            row = chosen_account(options["id"], options["account"])
            found = reports.account(row)
        if options["json"]:
            self.stdout.write(to_json(found))
            return
        self.stdout.write(
            f"{found['name']} of session {found['session']} at {at(found['clock'], row.session)}\n"
            f"equity {float(found['equity']):,.2f}, cash {float(found['cash']):,.2f}, "
            f"buying power {float(found['buying_power']):,.2f}, {counted(found['open_orders'], 'open order')}"
        )
        rows = [tuple(cell(name, held[name]) for name in FIELDS) for held in found["positions"]]
        self.stdout.write(table(HEAD, rows) if rows else "No positions.")
