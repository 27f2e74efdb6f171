"""Faults on purpose: processes killed and frozen, servers killed, emptied and cut off, while real days are played.

`python -m tests.faults` runs in a folder and on servers of its own. What must hold afterwards is in `judge`.
"""
