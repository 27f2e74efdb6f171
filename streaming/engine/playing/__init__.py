"""Plays a session under its lease: takes it, paces its clock, obeys control, changes days, says where it stands."""
