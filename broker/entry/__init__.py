"""What an account is asked: read, checked against its state at the session's clock, and written down."""
