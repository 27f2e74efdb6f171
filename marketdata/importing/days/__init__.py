"""A table cut by instrument and session, checked row by row; what several files of a run claim of one day."""
