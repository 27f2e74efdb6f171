"""Starts: what is asked for, checked, fetched and handed to a worker; copies of sessions."""
