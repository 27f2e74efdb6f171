"""The merge: one day of many instruments, and its corrections, in the order in which it becomes known."""
