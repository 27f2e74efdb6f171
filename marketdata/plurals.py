"""Counts in words."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """1 day; 1,200 days; 2 indices, where the plural is given."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
