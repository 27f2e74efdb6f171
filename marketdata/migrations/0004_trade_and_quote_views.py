from django.db import migrations

# Arrays are unnested side by side: a subscript would read a whole stored array for every row.
VIEW = """
CREATE VIEW marketdata_{name} AS
SELECT c.id * 100000 + t.n AS id, d.id AS day_id, d.dataset_id, d.instrument_id, d.date, d.scope, d.derived,
       c.number::bigint * 20000 + t.n AS sequence,
       d.open_at + (t.at_offset / 1000) * interval '1 microsecond' AS at,
       extract(epoch FROM d.open_at)::bigint * 1000000000 + t.at_offset AS at_ns,
       {columns},
       NULLIF(c.words[t.condition + 1], '') AS condition,
       (t.flags & 1) <> 0 AS suspicious, (t.flags & 2) <> 0 AS corrected
  FROM marketdata_tickday d JOIN marketdata_{name}chunk c ON c.day_id = d.id,
       ROWS FROM (unnest(c.at), unnest(c.condition), unnest(c.flags), {unnested})
         WITH ORDINALITY AS t(at_offset, condition, flags, {names}, n)
 WHERE d.current
"""


def view(name, numbers, words):
    columns = [f"NULLIF(t.{column}, 'NaN') AS {column}" for column in numbers]
    columns += [f"NULLIF(c.words[t.{column} + 1], '') AS {column}" for column in words]
    both = (*numbers, *words)
    return VIEW.format(
        name=name,
        columns=", ".join(columns),
        unnested=", ".join(f"unnest(c.{column})" for column in both),
        names=", ".join(both),
    )


TRADES = ("trade", ("price", "size"), ("exchange",))
QUOTES = ("quote", ("bid", "bid_size", "ask", "ask_size"), ("bid_exchange", "ask_exchange"))


def storage(name, numbers, words):
    # Compressing costs three times the write and saves little on floats.
    both = ("at", "condition", "flags", *numbers, *words)
    return f"ALTER TABLE marketdata_{name}chunk " + ", ".join(
        f'ALTER COLUMN "{column}" SET STORAGE EXTERNAL' for column in both
    )


class Migration(migrations.Migration):
    dependencies = [("marketdata", "0003_tick_days")]

    operations = [
        operation
        for kind in (TRADES, QUOTES)
        for operation in (
            migrations.RunSQL(storage(*kind), migrations.RunSQL.noop),
            migrations.RunSQL(view(*kind), f"DROP VIEW marketdata_{kind[0]}"),
        )
    ]
