"""Versions that are no longer current and that nothing needs: they go when they are old."""

from __future__ import annotations

import datetime as dt

from django.db import connection

from marketdata.models import DayVersion
from marketdata.removal.needed import protecting

# Version 1 and those with a market time are what sessions "as known" play of minutes. A day's chunks go with it.
DELETE = """
WITH gone AS MATERIALIZED (
  SELECT d.id FROM marketdata_dayversion d
   WHERE NOT d.current AND d.recorded_at < %s
     AND (d.kind <> 'bars' OR d.interval <> '1m' OR (d.version > 1 AND d.known_at IS NULL))
     AND {unpinned}
   LIMIT %s),
chunks AS (DELETE FROM marketdata_daychunk WHERE day_id IN (SELECT id FROM gone))
DELETE FROM marketdata_dayversion WHERE id IN (SELECT id FROM gone)
"""


def remove_superseded(before: dt.datetime, most: int) -> int:
    """Delete versions recorded before, `most` of them at once. Returns how many went."""
    pins = ((one.related_model._meta.db_table, one.field.column) for one in protecting(DayVersion))
    unpinned = " AND ".join(f"NOT EXISTS (SELECT FROM {table} p WHERE p.{day} = d.id)" for table, day in pins)
    with connection.cursor() as cursor:
        cursor.execute(DELETE.format(unpinned=unpinned), [before, most])
        return int(cursor.rowcount)
