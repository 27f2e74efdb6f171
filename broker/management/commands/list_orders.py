"""`manage.py list_orders SESSION`."""

from typing import Any

from django.core.management.base import CommandParser

from broker import reports
from broker.accounts import AccountError
from broker.management.accounts import add_account_arguments, at, cell, chosen_account
from broker.refusals import Refusal
from marketdata.management.explained import ExplainedCommand
from streaming.management.console import errors_in_one_line, table, to_json

HEAD = ("SUBMITTED", "SYMBOL", "SIDE", "TYPE", "TIF", "QTY", "LIMIT", "STOP", "STATUS", "FILLED", "AVERAGE")
FIELDS = (
    *("submitted_at", "symbol", "side", "type", "time_in_force", "qty", "limit_price", "stop_price", "status"),
    *("filled_qty", "filled_average"),
)


class Command(ExplainedCommand):
    help = "List an account's orders as of its session's clock, the newest first."
    examples = ("list_orders 1 --open", "list_orders 1 --account swing --json")

    def add_arguments(self, parser: CommandParser) -> None:
        add_account_arguments(parser)
        parser.add_argument("--open", action="store_true", help="Only those that are open.")
        parser.add_argument("--json", action="store_true", help="Print one JSON list.")

    def handle(self, *args: Any, **options: Any) -> None:
        with errors_in_one_line(AccountError, Refusal):
            row = chosen_account(options["id"], options["account"])
            found = reports.orders(row, is_open=True if options["open"] else None)
        if options["json"]:
            self.stdout.write(to_json(found))
        elif found:
            shown = [{**each, "submitted_at": at(each["submitted_at"], row.session)} for each in found]
            self.stdout.write(table(HEAD, [tuple(cell(name, each[name]) for name in FIELDS) for each in shown]))
        else:
            self.stdout.write("No orders.")
