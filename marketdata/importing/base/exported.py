"""What a file that `export_bars` wrote is recognized by when it is read again."""

COLUMNS = ("symbol", "timestamp", "open", "high", "low", "close", "volume", "trade_count", "vwap")
METADATA = {b"written by": b"Tapedeck"}
"""Of Parquet."""
