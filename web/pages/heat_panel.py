"""The minute heat map: one row a symbol, one letter a session minute, cut at the clock."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from marketdata.calendar import TradingDay
from marketdata.models import DayVersion
from sessions.models import Session
from streaming.engine.frames.frame_id import milliseconds
from streaming.engine.records import journal

MOST_ROWS = 100


@dataclass(slots=True)
class Heat:
    """The ledgers of one session's current day. `rows` gives what is over by a clock, and never a later letter."""

    day: TradingDay
    ledgers: dict[str, str] = field(default_factory=dict)
    left_out: int = 0

    def rows(self, clock: dt.datetime, since: int = 0) -> dict[str, Any]:
        """Letters of the minutes from `since` that are over at the clock."""
        over = int((clock - self.day.open).total_seconds() // 60)
        upto = min(self.day.minutes, max(0, over))
        return {
            "date": str(self.day.date),
            "open": milliseconds(self.day.open),
            "minutes": self.day.minutes,
            "since": since,
            "upto": upto,
            "rows": {symbol: ledger[since:upto] for symbol, ledger in self.ledgers.items()},
            "left_out": self.left_out,
        }


def heat_of(session: Session) -> Heat:
    """The ledgers of the versions that the session plays, as of its clock, on the day that its clock is in."""
    date = session.calendar.session_date_of(session.run.clock) if session.run.clock else session.start_date
    pins = journal.read(session.pk, date).playing(session, date)
    wanted = {symbol: pins[symbol] for symbol in sorted(pins)[:MOST_ROWS]}
    rows = DayVersion.objects.filter(pk__in=[pk for pk in wanted.values() if pk is not None])
    ledgers: dict[str, str] = dict(rows.values_list("instrument__symbol", "ledger"))
    day = session.calendar.trading_day(date)
    kept = {symbol: ledgers.get(symbol) or "A" * day.minutes for symbol in wanted}
    return Heat(day, kept, max(0, len(pins) - MOST_ROWS))
