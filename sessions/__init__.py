"""What is replayed, and how far it is: rows, life cycle, control, keys."""
