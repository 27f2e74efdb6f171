"""`manage.py create_api_key SESSION`."""

from typing import Any

from django.core.management.base import CommandParser

from marketdata.management.explained import ExplainedCommand
from sessions import keys
from sessions.models import SessionKey
from streaming.management.talking import get_session, to_json, told_in_a_line


class Command(ExplainedCommand):
    help = "Make a key to one session and print it; its secret is shown only now."
    examples = (
        "create_api_key 1",
        "create_api_key 1 --kind broker --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int, help="The session's number.")
        parser.add_argument("--kind", choices=SessionKey.Kind.values, default="reader", help="Default: reader.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        with told_in_a_line():
            key, secret = keys.create(get_session(options["id"]), options["kind"], by="create_api_key")
        token = f"{key.key_id}.{secret}"
        told = {"session": key.session_id, "kind": key.kind, "key_id": key.key_id, "secret": secret, "token": token}
        if options["json"]:
            self.stdout.write(to_json(told))
        else:
            self.stdout.write("\n".join(_lines(key, secret)))


def _lines(key: SessionKey, secret: str) -> list[str]:
    if key.kind == SessionKey.Kind.BROKER:
        return [f"Key id: {key.key_id}", f"Secret: {secret}"]
    return [f"Key id: {key.key_id}", f"Token: {key.key_id}.{secret}", "Send it as `Authorization: Bearer <token>`."]
