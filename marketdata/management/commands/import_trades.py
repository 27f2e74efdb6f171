"""`manage.py import_trades PATH...`: recorded trades into the store."""

from marketdata.kinds import DayKind
from marketdata.management.importing_ticks import TickImportCommand


class Command(TickImportCommand):
    help = "Import trades from CSV, CSV.gz and Parquet files, or folders of them; a dataset per folder."
    examples = (
        "import_trades ~/data/trades/ --dataset mine --dry-run",
        "import_trades AAPL_trades.csv.gz --tz America/New_York",
    )
    kind = DayKind.TRADES
