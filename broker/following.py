"""The events of accounts, for readers who follow them beside a session's frames."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from broker import reports
from broker.matching.orders import Order
from broker.models import Account, AccountEvent
from sessions.models import JournalEntry
from streaming.engine.frames.frame_id import FrameId, milliseconds, rfc3339
from streaming.reading.asides import Aside

PAGE = 500


class AccountEvents:
    """Give it as `asides` to `follow`. A place counts the events of all followed accounts at its instant."""

    def __init__(self, session_id: int, accounts: Iterable[Account]) -> None:
        self.session_id = session_id
        self.names = {account.pk: account.name for account in accounts}
        self.begun: dict[int, int] = {}

    def after(self, place: FrameId, until_ms: int) -> list[Aside]:
        begin = self._begin(place.generation)
        rows = self._rows(place).filter(at_ms__lte=until_ms).order_by("at_ms", "pk")
        made, at = [], place._replace(ms=max(place.ms, begin))
        for row in rows[place.n : place.n + PAGE]:
            ms = max(row.at_ms, begin)
            at = at._replace(ms=ms, n=at.n + 1 if ms == at.ms else 1)
            made.append(Aside(at, wire(row, self.names[row.account_id])))
        return made

    def behind(self, place: FrameId) -> FrameId:
        return place._replace(n=self._rows(place).filter(at_ms__lte=place.ms).count())

    def _rows(self, place: FrameId) -> QuerySet[AccountEvent]:
        """From the place's instant on: what a seek brought of skipped times counts as of its generation's beginning."""
        since = place.ms if place.ms > self._begin(place.generation) else 0
        return AccountEvent.objects.filter(account__in=self.names, generation=place.generation, at_ms__gte=since)

    def _begin(self, generation: int) -> int:
        if generation not in self.begun:
            entries = JournalEntry.objects.filter(session_id=self.session_id, kind=JournalEntry.Kind.SEEK)
            entry = entries.filter(payload__generation=generation).first()
            self.begun[generation] = milliseconds(dt.datetime.fromisoformat(entry.payload["to"])) if entry else 0
        return self.begun[generation]


def wire(row: AccountEvent, name: str) -> dict[str, Any]:
    """The event as readers get it: the order after it and, for a fill, the execution with what it met."""
    return {
        "type": "account",
        "account": name,
        "event": row.kind,
        "number": row.number,
        "cursor": row.cursor,
        "time": rfc3339(row.at_ms),
        "symbol": row.symbol,
        "order": reports.order(Order.of(row.order)),
        "execution": None if row.execution is None else reports.execution(row),
        "note": row.note or None,
        "chain": row.chain,
    }
