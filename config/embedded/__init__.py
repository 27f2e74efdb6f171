"""Postgres and Valkey from pip wheels, for machines that bring neither. Never started by an import."""
