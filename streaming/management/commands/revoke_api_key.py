"""`manage.py revoke_api_key KEY_ID`."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from marketdata.management.explained import ExplainedCommand
from sessions import keys
from streaming.management.talking import to_json, told_in_a_line


class Command(ExplainedCommand):
    help = "End a session key, at once and for good."
    examples = ("revoke_api_key RKABCDEFGHIJKLMNOPQR",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key_id", help="The public half, as create_api_key printed it.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with told_in_a_line():
                key = keys.revoke(options["key_id"], by="revoke_api_key")
        except keys.KeyUnknown as error:
            raise CommandError(str(error)) from None
        key.refresh_from_db()
        told = {"session": key.session_id, "kind": key.kind, "key_id": key.key_id, "revoked_at": key.revoked_at}
        self.stdout.write(to_json(told) if options["json"] else f"{key} is revoked.")
