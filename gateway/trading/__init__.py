"""The broker's trading API on a session's clock: accounts, orders, positions, assets, clock and calendar."""
