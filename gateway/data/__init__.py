"""Market data up to a session's clock: bars, trades, quotes, snapshots, auctions, and their addresses."""
