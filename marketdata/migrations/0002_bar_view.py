from django.db import migrations

VIEW = """
CREATE VIEW marketdata_bar AS
SELECT d.id * 100000 + b.n AS id, d.id AS day_id, d.dataset_id, d.instrument_id, d.interval, d.date, d.scope,
       d.open_at + b.o * interval '1 second' AS start,
       d.open[b.n] AS open, d.high[b.n] AS high, d.low[b.n] AS low, d.close[b.n] AS close,
       d.volume[b.n] AS volume, d.trade_count[b.n] AS trade_count, d.vwap[b.n] AS vwap
  FROM marketdata_barday d, unnest(d."offset") WITH ORDINALITY AS b(o, n)
 WHERE d.current
"""
COLUMNS = ("offset", "open", "high", "low", "close", "volume", "trade_count", "vwap")
# Compressing costs three times the write and saves little on floats.
STORAGE = "ALTER TABLE marketdata_barday " + ", ".join(
    f'ALTER COLUMN "{column}" SET STORAGE EXTERNAL' for column in COLUMNS
)


class Migration(migrations.Migration):
    dependencies = [("marketdata", "0001_initial")]

    operations = [
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL(VIEW, "DROP VIEW marketdata_bar"),
    ]
