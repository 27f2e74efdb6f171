"""Files in, instrument days out. `run` does it: read all, refuse what contradicts, write the rest."""
