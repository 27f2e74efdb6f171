"""`manage.py export_executions SESSION`."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from broker import reports
from broker.accounts import AccountError
from broker.management.accounts import add_account_arguments, chosen_account
from broker.refusals import Refusal
from marketdata.management.explained import ExplainedCommand
from marketdata.plurals import counted
from streaming.management.console import errors_in_one_line, to_json


class Command(ExplainedCommand):
    help = "Write an account's executions as CSV, each with what it met on the tape."
    examples = ("export_executions 1", "export_executions 1 --account swing --out fills.csv")

    def add_arguments(self, parser: CommandParser) -> None:
        add_account_arguments(parser)
        parser.add_argument("--json", action="store_true", help="One JSON list instead of CSV.")
        parser.add_argument("--out", metavar="FILE", type=Path, help="Default: standard output.")

    def handle(self, *args: Any, **options: Any) -> None:
        with errors_in_one_line(AccountError, Refusal, OSError):
            rows = reports.executions(chosen_account(options["id"], options["account"]))
            text = to_json(rows) if options["json"] else reports.executions_csv(rows)
            if options["out"] is None:
                self.stdout.write(text, ending="")
                return
            options["out"].write_text(text)
        self.stdout.write(f"{counted(len(rows), 'execution')} written to {options['out']}.")
