"""Out of the store again: imports undone, and datasets, symbols and days deleted that no session needs."""
