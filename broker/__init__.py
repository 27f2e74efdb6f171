"""Accounts that trade inside a replay: orders, matching, executions. It knows no wire."""
