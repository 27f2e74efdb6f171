"""Plays a session: the clock, the day as a tape, the journal, the lease, and the way into Redis."""
