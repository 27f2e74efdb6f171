"""Files in, instrument days out: reading, column mapping, splitting by session, rules, report."""
