"""Measurements of the real thing: real servers, real processes. `make bench` runs every module and prints one table."""
