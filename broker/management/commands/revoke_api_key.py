"""`manage.py revoke_api_key KEY_ID`."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from marketdata.management.explained import ExplainedCommand
from sessions import keys
from streaming.management.console import errors_in_one_line, to_json


class Command(ExplainedCommand):
    help = "End a session key, at once and for good."
    examples = ("revoke_api_key RKABCDEFGHIJKLMNOPQR",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key_id", help="The public half, as create_api_key printed it.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with errors_in_one_line():
                key = keys.revoke(options["key_id"], by="revoke_api_key")
        except keys.KeyUnknown as error:
            raise CommandError(str(error)) from None
        key.refresh_from_db()
        payload = {"session": key.session_id, "kind": key.kind, "key_id": key.key_id, "revoked_at": key.revoked_at}
        self.stdout.write(to_json(payload) if options["json"] else f"{key} is revoked.")
