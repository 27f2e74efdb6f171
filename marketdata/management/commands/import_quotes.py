"""`manage.py import_quotes PATH...`: recorded quotes, or the closing quotes of quote bars, into the store."""

from argparse import ArgumentParser

from marketdata.kinds import DayKind
from marketdata.management.importing_ticks import TickImportCommand


class Command(TickImportCommand):
    help = (
        "Import quotes from CSV, CSV.gz and Parquet files, or folders of them; a dataset per folder. Of quote bars "
        "(bid_close, ask_close) the closing quote is kept, known at the minute's end and marked as derived."
    )
    examples = (
        "import_quotes ~/data/quotes/ --dataset mine --dry-run",
        "import_quotes AAPL_quotes.csv.gz --tz America/New_York",
    )
    kind = DayKind.QUOTES

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--label", choices=["start", "end"], help="what a quote bar's stamp marks; default: detected"
        )
