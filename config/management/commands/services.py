"""`manage.py services start|stop|status`: the embedded Postgres and Valkey alone."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from config.embedded import services
from config.embedded.lock import ServiceError
from marketdata.management.explained import ExplainedCommand


class Command(ExplainedCommand):
    help = "Start, stop or show the embedded Postgres and Valkey (not those that DATABASE_URL or REDIS_URL name)."
    examples = (
        "services start",
        "services status --json",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=["start", "stop", "status"])
        parser.add_argument("--json", action="store_true", help="Print one JSON object: service to running or not.")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        try:
            if verb == "start":
                services.start()
            elif verb == "stop":
                services.stop()
        except ServiceError as error:
            raise CommandError(str(error)) from None
        running = {type(service).__name__: service.running() for service in services.embedded()}
        if options["json"]:
            self.stdout.write(json.dumps(running))
            return
        for name, is_running in running.items():
            self.stdout.write(f"{name}: {'running' if is_running else 'not running'}")
