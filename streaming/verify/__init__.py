"""Holds runs against journal and store, and against each other."""
