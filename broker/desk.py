"""The desk: what the engine calls of the broker. Orders meet each frame before it goes out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from broker.account_writer import REQUESTS, AccountWriter
from broker.matching_days import MatchingDays
from broker.models import Account, Request
from broker.trader import Trader
from marketdata.units import MILLISECOND_NS, MINUTE_MS, MINUTE_NS
from sessions.wakeup import BESIDE, notice_key
from streaming.engine.frames.frame_id import milliseconds, moment
from streaming.engine.publishing.participants import Entry, Stage
from streaming.engine.records.journal import Journal
from streaming.engine.tape.merge import Tape

WAITING = f"""
SELECT {REQUESTS.columns("r")} FROM broker_request r
 WHERE account_id = ANY(%s) AND taken_ms IS NULL AND voided_in IS NULL ORDER BY account_id, number
"""  # noqa: S608 - names of columns


@dataclass(slots=True)
class Seat:
    trader: Trader
    writer: AccountWriter
    written_until_ms: int
    """A worker that was lost may have written what comes of a frame that it did not publish."""


class Desk:
    """All accounts of one session, while a worker plays it."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.days = stage, MatchingDays(stage.session)
        self.seats: dict[int, Seat] = {}
        self.unsaid: list[Entry] = []
        self.seated_at: int | None = None
        """The version of the session's controls at which all accounts had a seat: a new account is a new version."""
        self.tape: Tape | None = None

    @property
    def active(self) -> bool:
        return bool(self.seats)

    def show(self, tape: Tape, journal: Journal) -> None:
        self.tape, self.journal = tape, journal
        for seat in self.seats.values():
            seat.trader.clock = self._clock

    def before(self, until_ms: int) -> list[Entry]:
        out, self.unsaid = self.unsaid, []
        for seat in self.seats.values():
            seat.trader.advance(until_ms)
            out += seat.writer.write()
        return out

    def pick_up(self) -> list[Entry]:
        self._sit_down()
        out, self.unsaid = self.unsaid, []
        published = self.stage.published_ms
        free = [pk for pk, seat in self.seats.items() if seat.written_until_ms <= published]
        requests: dict[int, list[Request]] = {}
        for request in REQUESTS.read(WAITING, [free]) if free else ():
            requests.setdefault(request.account_id, []).append(request)
        for account_id, taken in requests.items():
            seat = self.seats[account_id]
            for request in taken:
                request.taken_ms, request.generation = published, self.stage.generation
                seat.trader.apply(request, published)
            out += seat.writer.write(taken)
        if out:
            out.append(Entry(notice_key(self.stage.session.pk), "*", {BESIDE: b"1"}))
        return out

    def moved(self, to: dt.datetime) -> None:
        """Back: the accounts return to what they were then. Forward: their orders meet all that is skipped."""
        to_ms = milliseconds(to)
        for account in Account.objects.filter(session=self.stage.session):
            seat = self.seats.get(account.pk)
            if seat is None or seat.trader.through_ms < account.through_ms:
                seat = self._seat(account, account.through_ms)  # all that is written, published or not
            seat.trader.clock = minutes_end
            if to_ms < seat.trader.through_ms:
                seat.writer.go_back(to_ms)
            else:
                seat.trader.advance(to_ms)
                self.unsaid += seat.writer.write()
            seat.trader.clock = self._clock
            seat.written_until_ms = to_ms

    def _sit_down(self) -> None:
        """Take in accounts that are new here."""
        version = self.stage.session.control_version
        if version == self.seated_at:
            return
        for account in Account.objects.filter(session=self.stage.session).exclude(pk__in=list(self.seats)):
            self.unsaid += self._seat(account, self.stage.published_ms).writer.published_lately()
        self.seated_at = version

    def _seat(self, account: Account, at_ms: int) -> Seat:
        trader = Trader(account, self.days)
        trader.clock = self._clock
        trader.stand(at_ms)
        self.seats[account.pk] = seat = Seat(trader, AccountWriter(trader, self.stage), account.through_ms)
        return seat

    def _clock(self, known: int) -> int:
        """The first frame at an instant or later."""
        ms = -(-known // MILLISECOND_NS)
        if self.tape is None or not self.tape.begin_ms <= ms <= self.tape.instant(len(self.tape) - 1):
            return minutes_end(known)
        return self.tape.next_frame(ms, self._active(ms))

    def _active(self, ms: int) -> Collection[str]:
        return self.journal.active(self.stage.generation, moment(ms))


def minutes_end(known: int) -> int:
    """The end of the minute that an instant is in: the frame that would have gone out with it."""
    return -(-known // MINUTE_NS) * MINUTE_MS


def open_desk(stage: Stage) -> Desk:
    return Desk(stage)
