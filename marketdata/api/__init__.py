"""The store's API, for those who may see what a session must not."""
