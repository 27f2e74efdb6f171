"""Files that were dropped on a page: kept, read without writing, corrected by a person, imported by a task."""
