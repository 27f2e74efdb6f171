"""All dialects, the more exact before those that they could be taken for."""

from marketdata.importing.base.heads import Head
from marketdata.importing.dialects import (
    binance,
    databento,
    dukascopy,
    histdata,
    kibot,
    lobster,
    metatrader,
    named_columns,
    ninjatrader,
    polygon,
    stooq,
    taq,
    thetadata,
    tradestation,
)
from marketdata.importing.dialects.dialect import Dialect

TAPEDECK = named_columns.TAPEDECK
GENERIC = Dialect("generic table", sign="its columns' names")
BY_PLACE = Dialect("generic rows", sign="its columns' places")
DIALECTS: tuple[Dialect, ...] = (
    polygon.BARS_FILE,
    polygon.TRADES_FILE,
    polygon.QUOTES_FILE,
    databento.OHLCV,
    databento.TOP_OF_BOOK,
    databento.TRADES,
    taq.TRADES,
    taq.QUOTES,
    thetadata.MINUTES,
    thetadata.TRADES,
    thetadata.QUOTES,
    dukascopy.GMT,
    dukascopy.LOCAL,
    dukascopy.TICKS,
    histdata.MINUTES,
    histdata.OTHER_ROWS,
    metatrader.MINUTES,
    metatrader.RATES,
    metatrader.TICKS,
    metatrader.MINUTES_4,
    tradestation.MINUTES,
    stooq.MINUTES,
    binance.KLINES,
    binance.NAMED_KLINES,
    lobster.MESSAGES,
    ninjatrader.NAMED,
    ninjatrader.BY_SHAPE,
    ninjatrader.TICKS,
    kibot.TICKS,
    named_columns.EODHD,
    named_columns.IBKR,
    named_columns.SIERRA,
    named_columns.TRADING_VIEW,
    named_columns.ALPHA,
    named_columns.TWELVE_DATA,
    named_columns.TARDIS_TRADES,
    named_columns.TARDIS_QUOTES,
    TAPEDECK,
    named_columns.ALPACA,
    named_columns.YFINANCE,
    named_columns.YFINANCE_ADJUSTED,
    named_columns.YFINANCE_WIDE,
    named_columns.YFINANCE_ALPHABETIC,
    named_columns.FINNHUB_TRADES,
)


def identify(head: Head) -> Dialect:
    """The dialect of a file; the generic one where nothing more is known than its columns."""
    found = next((dialect for dialect in DIALECTS if dialect.fits(head)), None)
    return found or (GENERIC if head.names else BY_PLACE)
