"""Python's collector of cycles, in processes that live long and make millions of objects without any."""

import gc

YOUNG = 20_000
"""Objects between two looks for cycles; Python's own 700 are less than what one frame of bars makes."""


def settle() -> None:
    """Once a process is up: what is there stays, and is not looked through again at every collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
