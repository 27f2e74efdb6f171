"""How the broker writes things: moments, symbols, encodings, errors. Knows no session's data."""
