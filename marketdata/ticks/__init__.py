"""Trades and quotes: what happens between the minutes, stored in chunks and kept to the nanosecond."""
