"""What people and programs see of a session: admin pages, API, streams."""
