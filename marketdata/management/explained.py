"""What the help of every command has: examples, and what its exit code means."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.db import ProgrammingError, connection
from django.db.migrations.executor import MigrationExecutor
from psycopg.errors import UndefinedColumn, UndefinedTable

from marketdata.management.program import as_typed

EXIT_CODES = {0: "done", 1: "refused or failed: one line on stderr says why", 2: "not understood: see the usage"}


class KeptLines(DjangoHelpFormatter):
    """Django's order of options; the lines of the examples stay lines."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if "\n" in text else super()._fill_text(text, width, indent)


class ExplainedCommand(BaseCommand):
    examples: ClassVar[tuple[str, ...]] = ()
    """Command lines without `manage.py`; the tests parse them all."""
    requires_system_checks: tuple[str, ...] = ()
    """Tags of the checks that the command's settings need. All of Django's would import every page and the API."""
    exit_codes: ClassVar[dict[int, str]] = {}
    """Where they mean more than `EXIT_CODES` says."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        given = {"formatter_class": KeptLines, "epilog": self.epilog(prog_name)} | kwargs
        parser = super().create_parser(prog_name, subcommand, **given)
        parser.prog = f"{prog_name} {subcommand}"  # as it was typed, its folder included
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """A table or column that only a migration makes is reported in one line; refusals name the typed program."""
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            if (text := as_typed(str(error))) == str(error):
                raise
            raise CommandError(text, returncode=error.returncode) from error
        except (ProgrammingError, UndefinedTable, UndefinedColumn) as error:
            waiting = pending_migrations() if is_unknown_to_the_database(error) else 0
            if not waiting:
                raise
            message = "1 migration is" if waiting == 1 else f"{waiting} migrations are"
            advice = as_typed("run `manage.py migrate`, or `make start`, which does it")
            raise CommandError(f"The database is not ready ({message} not applied): {advice}.") from None

    def epilog(self, prog_name: str) -> str:
        codes = (f"  {code}  {meaning}" for code, meaning in (EXIT_CODES | self.exit_codes).items())
        shown = (f"  {prog_name} {example}" for example in self.examples)
        return "\n".join(["examples:", *shown, "", "exit codes:", *codes])


def is_unknown_to_the_database(error: BaseException) -> bool:
    """Whether a table or a column does not exist. Columns are read past Django, which wraps the other errors."""
    return any(isinstance(one, UndefinedTable | UndefinedColumn) for one in (error, error.__cause__))


def pending_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
