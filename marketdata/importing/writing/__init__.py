"""Days into the store, and what became of each row: report, quarantine, the import's own row."""
