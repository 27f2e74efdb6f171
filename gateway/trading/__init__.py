"""The broker's trading API on a session's clock: accounts, orders, positions, and the socket that reports on them."""
