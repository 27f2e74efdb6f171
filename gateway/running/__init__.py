"""Programs written for the broker, run as they are inside a session."""
