"""The machine: plays sessions, follows them, keeps them up, proves them."""
