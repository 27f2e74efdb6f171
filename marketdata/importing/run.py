"""An import: every file is read first, files that contradict each other are refused, and then the rest is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from marketdata.exchange_calendar import calendar_of
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.days.claims import Claims, Clash
from marketdata.importing.days.neighbors import refuse_other_scale
from marketdata.importing.days.read_file import ReadFile, read_file
from marketdata.importing.days.splitting import SymbolDay
from marketdata.importing.days.stored_names import StoredNames
from marketdata.importing.writing.day_writer import Writer
from marketdata.importing.writing.import_record import Record
from marketdata.importing.writing.report import Report
from marketdata.importing.writing.spool import Spool
from marketdata.kinds import DayKind
from marketdata.models import Dataset

ROW_BYTES, REJECTED_BYTES = 64, 500
"""What a row takes in memory, as columns and as a rejected one."""


class WaitingFile(NamedTuple):
    """A file that waits to be written: its dataset, where it lies in the spool without its days, and their claims."""

    path: Path
    dataset: str
    place: int
    first_claim: int
    last_claim: int


def _mode(prices: str) -> str:
    return "raw" if prices == "raw" else f"adjusted ({prices})"


class ToRead(NamedTuple):
    """What `ImportRun.read` is asked."""

    path: Path
    form: FileForm
    dataset: str
    kinds: Sequence[str]


class ImportRun:
    """`source`: what was named, for the record; `by`: the account that asked."""

    def __init__(
        self,
        source: str = "",
        *,
        by: str = "",
        known_only: bool = False,
        dry_run: bool = False,
        known_at: dt.datetime | None = None,
    ) -> None:
        self._source, self._by, self._dry_run = source, by, dry_run
        self._known_only, self._known_at = known_only, known_at
        self._spool, self._claims = Spool(), Claims()
        self._files: list[WaitingFile] = []
        self._refused: set[int] = set()
        self._prices: dict[str, str] = {}
        self._names = StoredNames()

    def __len__(self) -> int:
        return len(self._files)

    def read(self, path: Path, form: FileForm, dataset: str, kinds: Sequence[str] = (DayKind.BARS,)) -> ReadFile:
        """Raises MarketDataError for a file that cannot be used: it is then not part of the import."""
        file = read_file(path, form, kinds, known_only=self._known_only, known_at=self._known_at)
        if not form.as_is:
            file = self._names.given_to(file)
            refuse_other_scale(path, dataset, file.parts.days)
        self._refuse_other_prices(file, dataset)
        first = len(self._claims)
        for day in file.parts.days:
            place = self._spool.put(day, ROW_BYTES * len(day.rows))
            self._claims.add(len(self._files), dataset, day, place)
        shell = replace(file, parts=replace(file.parts, days=[]))
        place = self._spool.put(shell, REJECTED_BYTES * (1 + len(shell.parts.rejected)))
        self._files.append(WaitingFile(path, dataset, place, first, len(self._claims)))
        return file

    def _refuse_other_prices(self, file: ReadFile, dataset: str) -> None:
        """Raises UnreadableFile where a file says that its prices are adjusted otherwise than the dataset's."""
        if dataset not in self._prices:
            stored = Dataset.objects.filter(name=dataset).values_list("price_mode", flat=True).first()
            self._prices[dataset] = stored or file.prices or "raw"
        mode = self._prices[dataset]
        if file.prices and mode != file.prices:
            raise UnreadableFile(
                f"{file.path}: its prices are said to be {_mode(file.prices)}, and those of dataset "
                f"{dataset} are {_mode(mode)}: import it into a dataset of its own "
                f"(--dataset {dataset}-{file.prices})."
            )

    def refuse_clashes(self) -> list[str]:
        """Leave out the files of which two have other values for the same minutes. Returns why, naming both."""
        reasons = []
        for clash in self._claims.clashes(self._day):
            if not self._refused.issuperset(clash.files):
                reasons.append(self._reason(clash))
            self._refused.update(clash.files)
        return reasons

    def close(self) -> None:
        """Forget what was read."""
        self._spool.close()

    def write(self, on_file: Callable[[Path], None] = lambda path: None) -> list[Report]:
        """Write what was read and not refused. Returns a report for each dataset."""
        writers: dict[str, tuple[Writer, Record]] = {}
        try:
            for number, held in enumerate(self._files):
                if number in self._refused:
                    continue
                on_file(held.path)
                if held.dataset not in writers:
                    record = Record(held.dataset, self._source, self._by, self._prices.get(held.dataset, ""))
                    writers[held.dataset] = Writer(Report(held.dataset), record, dry_run=self._dry_run), record
                writers[held.dataset][0].add(self._file(held))
            for writer, record in writers.values():
                writer.flush()
                if not self._dry_run:
                    record.end(writer.report)
        finally:
            self.close()
        return [writer.report for writer, _ in writers.values()]

    def _file(self, held: WaitingFile) -> ReadFile:
        shell: ReadFile = self._spool.get(held.place)
        days = [self._day(place) for place in self._claims.places(held.first_claim, held.last_claim)]
        return replace(shell, parts=replace(shell.parts, days=days))

    def _day(self, place: int) -> SymbolDay:
        found: SymbolDay = self._spool.get(place)
        return found

    def _reason(self, clash: Clash) -> str:
        one, other = (self._files[number] for number in clash.files)
        exchange = self._spool.get(one.place).exchange
        calendar = calendar_of(exchange)
        at = calendar.days[clash.day.date].open + dt.timedelta(microseconds=clash.at // 1_000)
        minute = f"{at.astimezone(calendar.zone):%Y-%m-%d %H:%M} {calendar.zone.key}"
        return (
            f"{one.path} and {other.path} both have {clash.day.symbol} at {minute}, and do not say the same "
            f"({clash.says[0]}; {clash.says[1]}): neither is imported. Where they are of two symbols, import each with "
            "--symbol; where one corrects the other, import only that one, or one after the other."
        )
