"""Pauses that grow between the tries of something that fails."""

from __future__ import annotations

MOST_DOUBLINGS = 10


def pause_after(failures: int, first: float, longest: float) -> float:
    """Seconds until the next try, after so many that failed before this one."""
    return min(longest, first * 2.0 ** min(failures, MOST_DOUBLINGS))
