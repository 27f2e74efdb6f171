"""Follows a session: one tail per process, the history behind it, and who reads."""
