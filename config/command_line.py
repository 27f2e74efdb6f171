"""Tapedeck's command line: what `manage.py` and `tapedeck` call."""

import os
import sys

import redis
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except OperationalError as error:
        not_there("Postgres", error)
    except redis.ConnectionError as error:
        not_there("Redis", error)


def not_there(service: str, error: Exception) -> None:
    """One line that says what to do, instead of a traceback."""
    reason = str(error).strip().splitlines()[0]
    hint = "start Tapedeck with `make start`, or the services alone with `manage.py services start`"
    sys.exit(f"{service} does not answer ({reason}): {hint}.")


if __name__ == "__main__":
    main()
