"""A file as one table of canonical columns: symbol, stamps, width, prices, and what was decided about each."""
