"""What of the store a session may show: nothing later than its visible clock."""
