"""What the market did: stored days, calendars, where days come from, files in and out."""
