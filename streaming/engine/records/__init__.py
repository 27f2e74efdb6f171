"""Rows that only the lease's holder writes: the lease itself, its fence, the journal, the position."""
