"""From a recipe and a date to a tape: the versions of a day are pinned, then loaded; the next day ahead of time."""
