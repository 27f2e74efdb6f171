"""What the market did, as Django's rows: the catalog, stored days, their rows as views, and what did not come in."""

from marketdata.models.actions import CorporateAction
from marketdata.models.catalog import Dataset, Instrument, QuotesOf
from marketdata.models.days import CHUNK_ROWS, DayChunk, DayVersion, DayVersionQuerySet, Scope
from marketdata.models.imports import Import, ImportedDay
from marketdata.models.intake import FetchAttempt, QuarantinedRow
from marketdata.models.uploads import KeptMapping, Upload
from marketdata.models.views import Bar, Quote, ReadOnlyError, Trade

__all__ = [
    "CHUNK_ROWS",
    "Bar",
    "CorporateAction",
    "Dataset",
    "DayChunk",
    "DayVersion",
    "DayVersionQuerySet",
    "FetchAttempt",
    "Import",
    "ImportedDay",
    "Instrument",
    "KeptMapping",
    "QuarantinedRow",
    "Quote",
    "QuotesOf",
    "ReadOnlyError",
    "Scope",
    "Trade",
    "Upload",
]
