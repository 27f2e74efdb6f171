"""`manage.py services start|stop|status`: the embedded Postgres and Valkey alone."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.embedded import services
from config.embedded.lock import ServiceError


class Command(BaseCommand):
    help = "Start, stop or show the embedded Postgres and Valkey (not those that DATABASE_URL or REDIS_URL name)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=["start", "stop", "status"])

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        try:
            if verb == "start":
                services.start()
            elif verb == "stop":
                services.stop()
        except ServiceError as error:
            raise CommandError(str(error)) from None
        for service in services.embedded():
            state = "running" if service.running() else "not running"
            self.stdout.write(f"{type(service).__name__}: {state}")
