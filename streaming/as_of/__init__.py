"""What of the store a session may show: nothing later than its clock."""
