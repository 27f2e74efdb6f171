"""Stamps in every spelling as UTC nanoseconds, with the zone and the unit that they were read in."""
