"""Frames as bytes: laid out, chained, read back, and what their blocks hold. Pure."""
