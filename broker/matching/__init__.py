"""Matching, pure: orders and a day of the market in, events out. No Django, no input or output, no clock."""
