"""What the store holds of a dataset: minutes by ledger letter, days, and what is odd about them."""
