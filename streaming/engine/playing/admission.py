"""Corrections that upkeep announces in mid-run: written to the journal, then played from the next minute on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.db import transaction

from marketdata.kinds import DayKind
from marketdata.models import DayVersion
from sessions.models import Announcement, Session
from streaming.engine.days.held_days import Days, Loading
from streaming.engine.records import journal_writing
from streaming.engine.records.journal import Journal, Kind, Pins
from streaming.engine.tape.merge import Tape


class Admission:
    """At most one at a time. From the journal's row until its tape is there market time stands still."""

    def __init__(self, session: Session, epoch: int, days: Days) -> None:
        self.session, self.epoch, self.days = session, epoch, days
        self.loading: Loading | None = None
        self.announced: frozenset[dt.date] = frozenset()
        """Dates of which anything was ever announced: mostly none. Whoever announces has the session look."""

    def obey(self, journal: Journal, tape: Tape, clock: dt.datetime | None, generation: int) -> None:
        """Admit what was announced for this day and is not in the journal yet, after the last frame that is out."""
        over = clock is not None and clock >= tape.day.close
        if self.loading or over or tape.day.date not in self.announced:
            return
        fresh = self._announced(tape.day.date, journal)
        if not fresh:
            return
        with transaction.atomic():
            for since, days in self._by_clock(fresh, clock):
                payload = {"date": tape.day.date.isoformat(), "generation": generation}
                pins: dict[str, Pins] = {DayKind.BARS: days}
                journal_writing.append(self.session.pk, Kind.ADMIT, payload, clock=since, epoch=self.epoch, pins=pins)
            symbols = ", ".join(sorted(fresh))
            self.session.record("admit", f"{tape.day.date}: corrections of {symbols} from the next minute on")
        self.loading = self.days.ask(tape.day.date)

    def look(self) -> None:
        """See what was announced."""
        rows = self.session.announcements.filter(kind=Announcement.Kind.DAY_READY)
        self.announced = frozenset(rows.order_by().values_list("date", flat=True).distinct())

    def _announced(self, date: dt.date, journal: Journal) -> dict[str, int]:
        """Symbol → the newest version announced that the session does not play or has not played."""
        played = journal.pins(date)
        seen = journal.versions(date)
        rows = self.session.announcements.filter(kind=Announcement.Kind.DAY_READY, date=date)
        newest: dict[str, int] = {
            symbol: row for symbol, row in rows.order_by("id").values_list("subject", "version_id") if row
        }
        return {s: row for s, row in newest.items() if row not in seen and played.get(s) is not None}

    def _by_clock(
        self, fresh: Mapping[str, int], clock: dt.datetime | None
    ) -> list[tuple[dt.datetime | None, dict[str, int]]]:
        """All at the clock; "as known" not before the market knew of them."""
        if not self.session.as_known:
            return [(clock, dict(fresh))]
        known = dict(DayVersion.objects.filter(pk__in=fresh.values()).values_list("pk", "known_at"))
        found: dict[dt.datetime | None, dict[str, int]] = {}
        for symbol, row in fresh.items():
            at = known.get(row)
            since = max(at, clock) if at and clock else at or clock
            found.setdefault(since, {})[symbol] = row
        return list(found.items())
