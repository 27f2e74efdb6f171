"""Plays a session: stored days become a tape, the tape frames, and frames an entry in Redis, under a lease."""
