"""Formats of an English page."""
