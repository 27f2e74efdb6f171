"""What beat has done about live sessions and old rows."""
