"""`manage.py import_trades PATH...`: recorded trades into the store."""

from marketdata.management.importing_ticks import TickImportCommand
from marketdata.ticks.columns import TickKind


class Command(TickImportCommand):
    help = "Import trades from CSV, CSV.gz and Parquet files, or folders of them; a dataset per folder."
    kind = TickKind.TRADES
