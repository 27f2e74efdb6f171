"""How many of the small units the larger ones have: stamps are nanoseconds, frames and clocks milliseconds."""

MILLISECOND_NS = 1_000_000
SECOND_NS = 1_000 * MILLISECOND_NS
MINUTE_NS = 60 * SECOND_NS
MINUTE_MS = 60_000
