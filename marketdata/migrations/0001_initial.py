import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.db import migrations, models

from marketdata.migrations import _views


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Bar',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('date', models.DateField()),
                ('scope', models.CharField(choices=[('regular', 'regular session'), ('extended', 'outside the regular session')], max_length=8)),
                ('interval', models.CharField(max_length=4)),
                ('start', models.DateTimeField(help_text='Start of the bar (UTC).')),
                ('open', models.FloatField()),
                ('high', models.FloatField()),
                ('low', models.FloatField()),
                ('close', models.FloatField()),
                ('volume', models.FloatField(null=True)),
                ('trade_count', models.FloatField(null=True)),
                ('vwap', models.FloatField(null=True)),
            ],
            options={
                'db_table': 'marketdata_bar',
                'ordering': ['start'],
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Quote',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('date', models.DateField()),
                ('scope', models.CharField(choices=[('regular', 'regular session'), ('extended', 'outside the regular session')], max_length=8)),
                ('derived', models.BooleanField()),
                ('sequence', models.BigIntegerField(help_text='Place within the day, from 1, as the source had it.')),
                ('at', models.DateTimeField(help_text="The source's stamp (UTC), to the microsecond.")),
                ('at_ns', models.BigIntegerField(help_text="The source's stamp, nanoseconds since the epoch.")),
                ('condition', models.TextField(null=True)),
                ('suspicious', models.BooleanField()),
                ('corrected', models.BooleanField()),
                ('bid', models.FloatField(null=True)),
                ('bid_size', models.FloatField(null=True)),
                ('bid_exchange', models.TextField(null=True)),
                ('ask', models.FloatField(null=True)),
                ('ask_size', models.FloatField(null=True)),
                ('ask_exchange', models.TextField(null=True)),
            ],
            options={
                'db_table': 'marketdata_quote',
                'ordering': ['date', 'sequence'],
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Trade',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('date', models.DateField()),
                ('scope', models.CharField(choices=[('regular', 'regular session'), ('extended', 'outside the regular session')], max_length=8)),
                ('derived', models.BooleanField()),
                ('sequence', models.BigIntegerField(help_text='Place within the day, from 1, as the source had it.')),
                ('at', models.DateTimeField(help_text="The source's stamp (UTC), to the microsecond.")),
                ('at_ns', models.BigIntegerField(help_text="The source's stamp, nanoseconds since the epoch.")),
                ('condition', models.TextField(null=True)),
                ('suspicious', models.BooleanField()),
                ('corrected', models.BooleanField()),
                ('price', models.FloatField()),
                ('size', models.FloatField(null=True)),
                ('exchange', models.TextField(null=True)),
            ],
            options={
                'db_table': 'marketdata_trade',
                'ordering': ['date', 'sequence'],
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='KeptMapping',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField(max_length=64, unique=True)),
                ('options', models.JSONField(default=dict, help_text='TZ, LABEL, DATE_ORDER, SCALE, COLUMNS, HEADER, DELIMITER.')),
            ],
            options={
                'verbose_name': 'mapping',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Dataset',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField(max_length=64, unique=True)),
                ('source', models.CharField(help_text='Vendor or file collection, e.g. alpaca.', max_length=64)),
                ('feed', models.CharField(blank=True, help_text="The vendor's feed, e.g. sip, iex.", max_length=32)),
                ('price_mode', models.CharField(default='raw', help_text='raw, split or all (adjusted).', max_length=16)),
                ('provider', models.CharField(blank=True, help_text='The name in MARKETDATA_PROVIDERS that serves its missing days.', max_length=64)),
                ('filler', models.CharField(blank=True, help_text='The name in MARKETDATA_PROVIDERS that is asked for absent minutes; empty: its provider.', max_length=64)),
                ('quotes', models.CharField(choices=[('consolidated', "the market's: each row is the best bid and offer, whatever exchange it names"), ('exchange', "each exchange's own: the market is the best of their newest")], default='consolidated', max_length=12)),
                ('synthetic', models.BooleanField(default=False, help_text='Made by a generator, not by a market.')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'ordering': ['name'],
                'constraints': [models.UniqueConstraint(fields=('source', 'feed', 'price_mode'), name='dataset_source_feed_price_mode')],
            },
        ),
        migrations.CreateModel(
            name='DayVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('bars', 'bars'), ('ticks', 'trades'), ('quotes', 'quotes')], max_length=8)),
                ('interval', models.CharField(blank=True, help_text='The width of bars; empty for single events.', max_length=4)),
                ('date', models.DateField()),
                ('scope', models.CharField(choices=[('regular', 'regular session'), ('extended', 'outside the regular session')], default='regular', max_length=8)),
                ('derived', models.BooleanField(default=False, help_text='Made from bars, not recorded by its source.')),
                ('version', models.PositiveIntegerField(default=1)),
                ('current', models.BooleanField(default=True)),
                ('open_at', models.DateTimeField(help_text="The session's open (UTC); stamps count from here.")),
                ('close_at', models.DateTimeField(help_text="The session's close (UTC).")),
                ('row_count', models.PositiveIntegerField()),
                ('summary', models.JSONField(blank=True, default=dict, help_text='What lists show of the rows without reading them.')),
                ('ledger', models.TextField(blank=True, help_text='One letter per session minute: T A N F M H.')),
                ('content_hash', models.CharField(help_text='SHA-256 of the columns.', max_length=64)),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('known_at', models.DateTimeField(blank=True, help_text='Market time, where the source gives it.', null=True)),
                ('origin', models.CharField(blank=True, help_text='Provider or file it came from.', max_length=255)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='days', to='marketdata.dataset')),
            ],
            options={
                'verbose_name': 'day',
                'ordering': ['-date'],
            },
        ),
        migrations.CreateModel(
            name='DayChunk',
            fields=[
                ('pk', models.CompositePrimaryKey('day_id', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField(help_text='From 0, in time order.')),
                ('row_count', models.PositiveIntegerField()),
                ('first_at', models.BigIntegerField(help_text='The first row, nanoseconds from the open.')),
                ('last_at', models.BigIntegerField(help_text='The last row, nanoseconds from the open.')),
                ('words', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), help_text='What codes are indices into; the first is none.', null=True, size=None)),
                ('cells', models.BinaryField(help_text='The columns as one block.')),
                ('day', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='chunks', to='marketdata.dayversion')),
            ],
        ),
        migrations.CreateModel(
            name='Import',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('dataset_name', models.CharField(help_text='Also where the dataset is no more.', max_length=64)),
                ('state', models.CharField(choices=[('running', 'running'), ('done', 'done'), ('undone', 'undone')], default='running', max_length=8)),
                ('source', models.CharField(help_text='The files and folders that were named.', max_length=500)),
                ('by', models.CharField(blank=True, help_text='The account; empty: the command line.', max_length=150)),
                ('started_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('ended_at', models.DateTimeField(null=True)),
                ('undone_at', models.DateTimeField(null=True)),
                ('figures', models.JSONField(default=dict, help_text='Files, and rows by what became of them.')),
                ('decisions', models.JSONField(default=list, help_text='How the files were read, once for those that are alike.')),
                ('new_dataset', models.BooleanField(default=False, help_text='Whether the import made the dataset.')),
                ('new_symbols', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=32), default=list, help_text='Instruments that it made.', size=None)),
                ('dataset', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='imports', to='marketdata.dataset')),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='ImportedDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('symbol', models.CharField(max_length=64)),
                ('date', models.DateField(help_text='None for rejected rows whose stamp cannot be read.', null=True)),
                ('kind', models.CharField(choices=[('bars', 'bars'), ('ticks', 'trades'), ('quotes', 'quotes')], max_length=8)),
                ('scope', models.CharField(choices=[('regular', 'regular session'), ('extended', 'outside the regular session')], default='regular', max_length=8)),
                ('inserted', models.PositiveIntegerField(default=0)),
                ('unchanged', models.PositiveIntegerField(default=0)),
                ('revised', models.PositiveIntegerField(default=0)),
                ('outside', models.PositiveIntegerField(default=0, help_text='Rows outside the regular session.')),
                ('rejected', models.PositiveIntegerField(default=0)),
                ('before', models.ForeignKey(db_constraint=False, db_index=False, help_text='The version that was current until then.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='marketdata.dayversion')),
                ('day', models.ForeignKey(db_constraint=False, help_text='The version that it wrote; none where the store had the same.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='marketdata.dayversion')),
                ('of', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='days', to='marketdata.import')),
            ],
            options={
                'verbose_name': 'imported day',
                'ordering': ['symbol', 'date', 'kind', 'scope', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Instrument',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('symbol', models.CharField(help_text='As its vendor writes it; case counts.', max_length=32, unique=True)),
                ('name', models.CharField(blank=True, max_length=128)),
                ('calendar', models.CharField(default='XNYS', help_text="exchange_calendars' name.", max_length=8)),
            ],
            options={
                'ordering': ['symbol'],
                'indexes': [models.Index(django.db.models.functions.text.Upper('symbol'), name='instrument_by_capitals')],
                'constraints': [models.CheckConstraint(condition=models.Q(('symbol__regex', '^[!-~]+$')), name='instrument_symbol_printable')],
            },
        ),
        migrations.AddField(
            model_name='dayversion',
            name='instrument',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='days', to='marketdata.instrument'),
        ),
        migrations.CreateModel(
            name='CorporateAction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('split', 'split'), ('dividend', 'cash dividend'), ('symbol', 'symbol change')], max_length=8)),
                ('ex_date', models.DateField(help_text='The first trading day on which it shows.')),
                ('ratio', models.DecimalField(blank=True, decimal_places=10, help_text='Of a split: new shares for an old one.', max_digits=20, null=True)),
                ('amount', models.DecimalField(blank=True, decimal_places=10, help_text='Of a dividend: cash a share, as paid then.', max_digits=20, null=True)),
                ('special', models.BooleanField(default=False, help_text='A dividend beside the regular ones.')),
                ('new_symbol', models.CharField(blank=True, help_text='What it trades as from the ex date on.', max_length=32)),
                ('announced_at', models.DateTimeField(blank=True, help_text='Market time, where the source gives it.', null=True)),
                ('source', models.CharField(help_text='Vendor or file.', max_length=255)),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('instrument', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='actions', to='marketdata.instrument')),
            ],
            options={
                'ordering': ['-ex_date', 'instrument', 'kind'],
            },
        ),
        migrations.CreateModel(
            name='QuarantinedRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('file', models.CharField(max_length=512)),
                ('line', models.PositiveBigIntegerField(null=True)),
                ('reason', models.CharField(max_length=255)),
                ('raw', models.TextField(blank=True)),
                ('symbol', models.CharField(blank=True, max_length=64)),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='quarantine', to='marketdata.dataset')),
                ('of', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='quarantine', to='marketdata.import')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Upload',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('by', models.CharField(max_length=150)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('state', models.CharField(choices=[('reading', 'reading'), ('read', 'read'), ('importing', 'importing'), ('done', 'done'), ('failed', 'failed')], default='reading', max_length=9)),
                ('folder', models.CharField(help_text='Within UPLOADS_FOLDER.', max_length=32, unique=True)),
                ('answers', models.JSONField(default=dict, help_text='What the person said: dataset, symbol, zone, label and so on.')),
                ('found', models.JSONField(default=dict, help_text='What was read: a decision or a doubt for each file, and bars.')),
                ('seen_at', models.DateTimeField(help_text='When the work on it last went on.', null=True)),
                ('done_files', models.PositiveIntegerField(default=0)),
                ('all_files', models.PositiveIntegerField(default=0)),
                ('error', models.TextField(blank=True)),
                ('imports', models.ManyToManyField(related_name='uploads', to='marketdata.import')),
            ],
            options={
                'verbose_name_plural': 'import files',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='FetchAttempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('date', models.DateField()),
                ('provider', models.CharField(max_length=64)),
                ('purpose', models.CharField(choices=[('day', 'the whole day'), ('gaps', 'its absent minutes')], default='day', max_length=4)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('outcome', models.CharField(blank=True, choices=[('rows', 'rows'), ('no_data', 'no data exists'), ('failed', 'failed')], max_length=8)),
                ('reason', models.TextField(blank=True)),
                ('last_at', models.DateTimeField(null=True)),
                ('next_at', models.DateTimeField(null=True)),
                ('locked_until', models.DateTimeField(null=True)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='marketdata.dataset')),
                ('instrument', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='marketdata.instrument')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('dataset', 'instrument', 'date', 'provider', 'purpose'), name='fetchattempt_once')],
            },
        ),
        migrations.AddConstraint(
            model_name='dayversion',
            constraint=models.UniqueConstraint(fields=('dataset', 'instrument', 'date', 'kind', 'interval', 'scope', 'derived', 'version'), name='dayversion_once'),
        ),
        migrations.AddConstraint(
            model_name='dayversion',
            constraint=models.UniqueConstraint(condition=models.Q(('current', True)), fields=('dataset', 'date', 'instrument', 'kind', 'interval', 'scope', 'derived'), name='dayversion_one_current'),
        ),
        migrations.AddConstraint(
            model_name='dayversion',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['bars', 'ticks', 'quotes'])), name='dayversion_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='dayversion',
            constraint=models.CheckConstraint(condition=models.Q(('close_at__gt', models.F('open_at'))), name='dayversion_open_before_close'),
        ),
        migrations.AddConstraint(
            model_name='dayversion',
            constraint=models.CheckConstraint(condition=models.Q(('version__gte', 1)), name='dayversion_version_from_one'),
        ),
        migrations.AddConstraint(
            model_name='corporateaction',
            constraint=models.UniqueConstraint(fields=('instrument', 'ex_date', 'kind', 'special'), name='action_once'),
        ),
        migrations.AddConstraint(
            model_name='corporateaction',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount', None), ('kind', 'split'), ('new_symbol', ''), ('ratio__gt', 0)), models.Q(('amount__gt', 0), ('kind', 'dividend'), ('new_symbol', ''), ('ratio', None)), models.Q(('amount', None), ('kind', 'symbol'), ('ratio', None), models.Q(('new_symbol', ''), _negated=True)), _connector='OR'), name='action_has_what_its_kind_needs'),
        ),
        migrations.AddConstraint(
            model_name='quarantinedrow',
            constraint=models.UniqueConstraint(fields=('dataset', 'file', 'line', 'reason'), name='quarantine_once', nulls_distinct=False),
        ),
        migrations.RunSQL(_views.STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL(_views.REFUSAL, _views.NO_REFUSAL),
        migrations.RunSQL(_views.FUNCTIONS, _views.NO_FUNCTIONS),
        *(migrations.RunSQL(sql, f"DROP VIEW marketdata_{name}") for name, sql in _views.VIEWS.items()),
    ]
