"""Symbols that come and go while a session runs: what the streams' rows want against what the journal says."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models.functions import Now

from marketdata.errors import MarketDataError
from sessions.models import Session
from streaming.engine.days.held_days import Days, Loaded, Loading
from streaming.engine.records import journal as journals
from streaming.engine.records import journal_writing
from streaming.engine.records.journal import Journal, Kind


class Membership:
    """Removes at once; adds once the current day of the new symbols is loaded. Both take effect after the clock."""

    def __init__(self, session: Session, epoch: int, days: Days) -> None:
        self.session, self.epoch, self.days = session, epoch, days
        self.adding: Loading | None = None

    def obey(self, journal: Journal, date: dt.date, clock: dt.datetime | None, generation: int) -> Journal:
        """Begin what the rows want; returns the journal, with what was removed."""
        there = journal.latest()
        wanted = self._wanted()
        if gone := sorted(there - wanted):
            journal = self._write(Kind.REMOVE, gone, clock, generation)
        missing = frozenset(wanted - there)
        if missing and (self.adding is None or (self.adding.extra, self.adding.date) != (missing, date)):
            self.session.record("stream", f"loading {date} for {', '.join(sorted(missing))}")
            self.days.prefetched = None
            self.adding = self.days.ask(date, missing)
        return journal

    def poll(self, clock: dt.datetime | None, generation: int) -> Loaded | None:
        """The current day with the new symbols in it, once it is loaded and the journal says so."""
        assert self.adding is not None
        try:
            loaded = self.days.poll(self.adding)
        except MarketDataError as error:
            self._refuse(self.adding.extra, str(error))
            return None
        if loaded is None:
            return None
        came = sorted(self.adding.extra & loaded.journal.with_data(self.adding.date))
        stayed_away = self.adding.extra - set(came)
        if stayed_away:
            self._refuse(stayed_away, f"no data on {self.adding.date}")
        self.adding = None
        if not came:
            return None
        return Loaded(self._write(Kind.ADD, came, clock, generation), loaded.tape)

    def _wanted(self) -> frozenset[str]:
        rows = self.session.streams.filter(requested=True).values_list("instrument__symbol", flat=True)
        return frozenset(rows)

    def _write(self, kind: Kind, symbols: list[str], clock: dt.datetime | None, generation: int) -> Journal:
        """The journal's row and the streams' rows, or neither."""
        added = kind == Kind.ADD
        payload = {"symbols": symbols, "generation": generation}
        with transaction.atomic():
            journal_writing.append(self.session.pk, kind, payload, clock=clock, epoch=self.epoch)
            rows = self.session.streams.filter(instrument__symbol__in=symbols)
            rows.update(active=added, **({"started_at": Now()} if added else {}))
            self.session.record("stream", f"{'added' if added else 'removed'}: {', '.join(symbols)}")
        return journals.read(self.session.pk)

    def _refuse(self, symbols: frozenset[str], reason: str) -> None:
        self.adding = None
        names = sorted(symbols)
        self.session.streams.filter(instrument__symbol__in=names).update(requested=False, active=False)
        self.session.record("stream", f"{', '.join(names)} not added: {reason}", level="error")
