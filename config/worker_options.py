"""How Celery's workers are started, wherever that is."""

QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")
"""Who is there says so in Postgres: what workers would say to each other nobody hears."""
