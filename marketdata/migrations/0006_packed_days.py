from django.db import migrations, models

# Whoever changes an array by hand must not leave another truth beside it.
TRIGGER = """
CREATE FUNCTION marketdata_barday_unpack() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN NEW.packed := NULL; RETURN NEW; END';
CREATE TRIGGER barday_arrays_changed
  BEFORE UPDATE OF "offset", open, high, low, close, volume, trade_count, vwap, bar_count ON marketdata_barday
  FOR EACH ROW EXECUTE FUNCTION marketdata_barday_unpack();
"""
NO_TRIGGER = "DROP TRIGGER barday_arrays_changed ON marketdata_barday; DROP FUNCTION marketdata_barday_unpack();"


class Migration(migrations.Migration):
    dependencies = [("marketdata", "0005_fetch_purpose_and_filler")]

    operations = [
        migrations.AddField(
            model_name="barday",
            name="packed",
            field=models.BinaryField(
                help_text="The columns once more, as one block; NULL where somebody changed an array.", null=True
            ),
        ),
        migrations.RunSQL(
            "ALTER TABLE marketdata_barday ALTER COLUMN packed SET STORAGE EXTERNAL", migrations.RunSQL.noop
        ),
        migrations.RunSQL(TRIGGER, NO_TRIGGER),
    ]
