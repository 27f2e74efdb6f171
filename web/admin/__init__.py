"""The admin as status view of the replays. It controls through `sessions.control` and never writes a row itself:
the row of a running session belongs to its worker."""

from web.admin import accounts, key_admin, records, session

__all__ = ["accounts", "key_admin", "records", "session"]
