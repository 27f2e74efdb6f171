"""An import's row in the store, made when its first day is written: an import that writes nothing leaves no row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import F, Max, Sum, Value
from django.db.models.functions import Length, Now, Replace

from marketdata import store
from marketdata.importing.writing.report import Change, Report
from marketdata.kinds import DayKind
from marketdata.models import Dataset, Import, ImportedDay, Instrument, Scope

MOST_DECISIONS = 50
MOST_PLAYABLE = 5
COPY = """
COPY marketdata_importedday (of_id, symbol, date, kind, scope, day_id, before_id, inserted, unchanged, revised, outside,
  rejected) FROM STDIN (FORMAT BINARY)
"""
TYPES = ["int8", "varchar", "date", "varchar", "varchar", "int8", "int8", *["int4"] * 5]


class Record:
    """The import of one run into one dataset."""

    def __init__(self, dataset: str, source: str, by: str = "", prices: str = "") -> None:
        self._dataset, self._source, self._by, self._prices = dataset, source, by, prices
        self.row: Import | None = None

    def begin(self) -> Dataset:
        """The dataset, made where there is none."""
        new = not Dataset.objects.filter(name=self._dataset).exists()
        dataset = store.dataset_named(self._dataset, self._prices)
        if self.row is None:
            fields = {"dataset_name": dataset.name, "source": self._source[:500], "by": self._by[:150]}
            self.row = Import.objects.create(dataset=dataset, new_dataset=new, **fields)
        return dataset

    def instruments(self, symbols: Iterable[str], exchange: str) -> dict[str, int]:
        """Symbol → id, unknown ones made, and noted as this import's."""
        assert self.row is not None
        asked = set(symbols)
        known = dict(Instrument.objects.filter(symbol__in=asked).values_list("symbol", "id"))
        unknown = sorted(asked - set(known))
        if unknown:
            known |= store.ensure_instruments(unknown, exchange)
            self.row.new_symbols = [*self.row.new_symbols, *unknown]
            self.row.save(update_fields=["new_symbols"])
        return known

    def keep(self, changes: Sequence[Change]) -> None:
        """In the transaction that writes the days themselves."""
        assert self.row is not None
        with store.binary_cursor() as cursor, cursor.copy(COPY) as copy:
            copy.set_types(TYPES)
            for change in changes:
                place = (change.symbol, change.date, change.kind, change.scope, change.written, change.before)
                copy.write_row((self.row.pk, *place, *change.tally, change.rejected))

    def end(self, report: Report) -> None:
        """The figures and decisions, where anything was written."""
        if self.row is None:
            return
        report.number = self.row.pk
        _look_at_days(report)
        self.row.figures = report.figures()
        self.row.decisions = [
            {"files": len(alike), "file": alike[0].file, "lines": alike[0].lines()}
            for alike in report.alike()[:MOST_DECISIONS]
        ]
        self.row.state, self.row.ended_at = Import.State.DONE, Now()
        self.row.save(update_fields=["figures", "decisions", "state", "ended_at"])


def _look_at_days(report: Report) -> None:
    """How many minutes the days that were written lack, and which of them can be played now."""
    days = ImportedDay.objects.filter(
        of=report.number, kind=DayKind.BARS, scope=Scope.REGULAR, day__isnull=False, day__current=True
    )
    others = Replace(Replace(F("day__ledger"), Value("A")), Value("M"))
    without = Length("day__ledger") - Length(others)
    found = days.aggregate(absent=Sum(without), last=Max("date"))
    report.absent = found["absent"] or 0
    if found["last"]:
        symbols = days.filter(date=found["last"]).order_by("symbol").values_list("symbol", flat=True).distinct()
        report.playable = found["last"].isoformat(), list(symbols[:MOST_PLAYABLE])
