"""Tapedeck's command line: what `manage.py` and `tapedeck` call."""

import os
import socket
import sys
from pathlib import Path

import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError

from config import verbs
from marketdata.management.program import INTERRUPTED, as_typed, program
from sessions import postgres_faults
from sessions.redis_faults import refusal

HELP = ("help", "--help", "-h")
OURS = frozenset(name for group in verbs.VERBS.values() for name in group)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    asked = sys.argv[1:]
    if not asked or (len(asked) == 1 and asked[0] in HELP):
        print(verbs.overview(program()))
        return
    if hint := verbs.unknown(asked[0], program()):
        sys.exit(hint)
    try:
        _require_postgres(asked)
        execute_from_command_line([program(), *asked])
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except OperationalError as error:
        if (said := postgres_faults.fault(error)) != postgres_faults.NO_ANSWER:
            sys.exit(f"{said}.")
        not_there("Postgres", error)
    except redis.RedisError as error:
        if refused := refusal(error):
            sys.exit(f"{refused}.")
        not_there("Redis", error)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)  # a command that has something to say of it has said it


def not_there(service: str, error: Exception) -> None:
    """One line that says what to do, instead of a traceback."""
    reason = (getattr(error, "strerror", None) or str(error)).strip().splitlines()[0]
    hint = as_typed("start Tapedeck with `make start`, or the services alone with `manage.py services start`")
    sys.exit(f"{service} does not answer ({reason}): {hint}.")


def _require_postgres(asked: list[str]) -> None:
    """At once where nothing listens: the pool would try for seconds."""
    if asked[0] not in OURS - verbs.NEEDS_NO_DATABASE or {"-h", "--help"} & set(asked):
        return
    database = settings.DATABASES["default"]
    host, port = str(database.get("HOST") or ""), int(str(database.get("PORT") or 5432))
    try:
        if host.startswith("/"):
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(1)
                probe.connect(str(Path(host) / f".s.PGSQL.{port}"))
        elif host and "," not in host:
            socket.create_connection((host, port), timeout=1).close()
    except (ConnectionRefusedError, FileNotFoundError) as error:
        not_there("Postgres", error)
    except OSError:
        return  # libpq may know better


if __name__ == "__main__":
    main()
