"""The admin as status view of the replays. It controls through `sessions.control` and never writes a row itself:
the row of a running session belongs to its worker."""

from streaming.admin import key_admin, records, session

__all__ = ["key_admin", "records", "session"]
