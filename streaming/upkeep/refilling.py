"""Which absent minutes of live sessions are asked for again in this round, and what came of it."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cache

from django.conf import settings
from django.db.models import Q

from marketdata.errors import MarketDataError
from marketdata.models import Dataset, FetchAttempt
from marketdata.plurals import counted
from marketdata.providers.asking import out_of_order
from marketdata.providers.base import Provider
from marketdata.providers.refill import OPEN, Refilled, filler_of, refill
from marketdata.providers.together import questions
from sessions.models import Session
from streaming.upkeep.holding import HeldDay, Holding
from streaming.upkeep.problems import Problems, record_once

MOST_SECONDS = 20.0
"""A session's share of a round; what is left waits for the next."""


class Fillers:
    """Who may be asked for what at this moment."""

    def __init__(self, now: dt.datetime, problems: Problems) -> None:
        self.now, self.problems = now, problems
        self.broken: dict[int, str] = {}
        """Dataset → why its filler cannot be had."""
        self.filler = cache(self._filler)
        self.waiting: defaultdict[tuple[int, dt.date, str], set[int]] | None = None

    def _filler(self, dataset: Dataset) -> Provider | None:
        """A filler whose answer could settle something: a source that proves nothing need not be asked again."""
        try:
            filler = filler_of(dataset)
        except MarketDataError as error:
            self.broken[dataset.pk] = str(error)
            self.problems.found.append(f"Absent minutes of {dataset} cannot be asked for: {error}")
            return None
        return filler if filler and (filler.authoritative or filler.name != dataset.provider) else None

    def out_of_order(self, holding: Holding) -> bool:
        """Whether a provider that the session needs is in a pause after failures."""
        dataset = holding.session.dataset
        return any(out_of_order(name) for name in (dataset.filler, dataset.provider) if name)

    def selected(self, holding: Holding) -> list[HeldDay]:
        """Days with minutes that are over, absent and due to be asked for."""
        dataset = holding.session.dataset
        filler = self.filler(dataset)
        if reason := self.broken.get(dataset.pk):
            record_once(holding.session, reason)
        if filler is None or out_of_order(filler.name):
            return []
        minutes = holding.minutes
        lacking = [row for row in holding.held.values() if _lacks(row.newest_ledger[:minutes])]
        if not lacking:
            return []
        waiting = self._waiting()[dataset.pk, holding.day.date, filler.name]
        return [row for row in lacking if row.instrument_id not in waiting]

    def _waiting(self) -> defaultdict[tuple[int, dt.date, str], set[int]]:
        """(dataset, date, filler) → instruments that may not be asked for now. Read once a round."""
        if self.waiting is None:
            self.waiting = defaultdict(set)
            spent = Q(attempts__gte=settings.REFILL_ATTEMPTS)
            early = Q(next_at__gt=self.now) | Q(locked_until__gt=self.now)
            live = Session.objects.values("dataset")
            rows = FetchAttempt.objects.filter(spent | early, purpose=FetchAttempt.Purpose.GAPS, dataset__in=live)
            for dataset, date, provider, instrument in rows.values_list("dataset", "date", "provider", "instrument"):
                self.waiting[dataset, date, provider].add(instrument)
        return self.waiting

    def fill(self, holding: Holding) -> Counter[str]:
        """Ask for what is selected, question by question, for as long as the round allows."""
        end, session = time.monotonic() + MOST_SECONDS, holding.session
        selected, filler = self.selected(holding), self.filler(session.dataset)
        results: list[Refilled] = []
        for group in questions(filler, selected) if filler else ():
            assert filler is not None
            symbols = [(row.symbol, row.instrument_id) for row in group]
            results += refill(session.dataset, filler, symbols, holding.day, self.now)
            if time.monotonic() > end:
                break
        if results and filler:
            _record(session, holding.day.date, filler.name, results)
        return Counter(
            refills=len(results),
            filled=sum(result.filled for result in results),
            proven=sum(result.proven for result in results),
            versions=sum(result.version is not None for result in results),
        )


def _lacks(ledger: str) -> bool:
    return any(letter in ledger for letter in OPEN)


def _record(session: Session, date: dt.date, filler: str, results: Iterable[Refilled]) -> None:
    """One event for all the symbols asked about; failures are its reason to be a warning."""
    rows = list(results)
    failed = {row.symbol: row.reason for row in rows if row.reason}
    filled = {row.symbol: row.filled for row in rows if row.filled}
    proven = {row.symbol: row.proven for row in rows if row.proven}
    message = (
        f"{date}: asked {filler} for the absent minutes of {counted(len(rows), 'symbol')}: "
        f"{sum(filled.values())} filled, {sum(proven.values())} proven to be without a trade, "
        f"{counted(len(failed), 'symbol')} failed"
    )
    data = {"date": date.isoformat(), "filled": filled, "proven": proven, "failed": failed}
    session.record("refill", message, level="warning" if failed else "info", **data)
