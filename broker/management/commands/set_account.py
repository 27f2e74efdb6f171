"""`manage.py set_account SESSION`."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from broker import reports, service
from broker.accounts import AccountError
from broker.configurations import MULTIPLIERS
from broker.management.accounts import add_account_arguments, at, chosen_account
from broker.refusals import Refusal
from marketdata.management.explained import ExplainedCommand
from streaming.management.console import errors_in_one_line, to_json

YES_OR_NO = {
    "suspend-trade": "Refuse new orders.",
    "no-shorting": "Refuse to sell short.",
    "fractional-trading": "Take orders of parts of a share.",
}


class Command(ExplainedCommand):
    help = "Set what an account's owner may: it holds from the session's clock on, and goes back with it."
    examples = (
        "set_account 1 --suspend-trade yes",
        "set_account 1 --account swing --no-shorting yes --max-margin-multiplier 1 --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_account_arguments(parser)
        for name, text in YES_OR_NO.items():
            parser.add_argument(f"--{name}", choices=("yes", "no"), help=text)
        parser.add_argument(
            "--max-margin-multiplier", choices=MULTIPLIERS, help="Buying power as a multiple of the equity, at most."
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        names = [name.replace("-", "_") for name in YES_OR_NO]
        changes: dict[str, Any] = {name: options[name] == "yes" for name in names if options[name]}
        if options["max_margin_multiplier"]:
            changes["max_margin_multiplier"] = options["max_margin_multiplier"]
        if not changes:
            raise CommandError("Nothing to set: give --suspend-trade, --no-shorting, … (see --help).")
        with errors_in_one_line(AccountError, Refusal):
            account = chosen_account(options["id"], options["account"])
            service.configure(account.pk, changes)
            found = reports.account(account)
        if options["json"]:
            self.stdout.write(to_json(found))
            return
        shown = ", ".join(f"{name.replace('_', ' ')} {_shown(value)}" for name, value in found["settings"].items())
        self.stdout.write(
            f"{found['name']} of session {found['session']} from {at(found['clock'], account.session)} on: {shown}"
        )


def _shown(value: object) -> str:
    return str(value) if not isinstance(value, bool) else "yes" if value else "no"
