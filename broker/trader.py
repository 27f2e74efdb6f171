"""One account while its session is played: its book, made again from its day's beginning whenever a worker takes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from broker.corporate_actions import corporate_actions
from broker.lead_in import LeadIn
from broker.matching.acts import Cancel, Configure, Place, Replace
from broker.matching.book import Act, Book
from broker.matching.day import Market
from broker.matching.ex_actions import ExAction, go_ex
from broker.matching.open_span import OpenSpan
from broker.matching.state import State
from broker.matching_days import MatchingDays
from broker.models import Account, AccountDay, Request
from marketdata.exchange_calendar import ExchangeCalendar
from marketdata.hours import DayPart
from marketdata.trading_day import TradingDay
from marketdata.units import MILLISECOND_NS

Clock = Callable[[int], int]
"""An instant in nanoseconds → the frame (ms) with which it goes out."""


@dataclass(slots=True)
class Base:
    """Where a book can be made from."""

    state: State
    date: dt.date
    after_ms: int | None
    """Where the account begins in the midst of that day."""
    lead_in: LeadIn | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A day that was begun: where the account stood before it, and the corporate actions that it went ex with."""

    state: dict[str, Any]
    actions: list[list[str]]


class Trader:
    """`book` stands at `through_ms`, in the session of `date` or in the night after it."""

    def __init__(self, account: Account, days: MatchingDays) -> None:
        self.account, self.days, self.calendar = account, days, account.session.calendar
        self.terms = account.trading_terms
        self.latency_ns = self.terms.latency_ms * MILLISECOND_NS
        self.markets: dict[str, Market | None] = {}
        self.clock: Clock = _milliseconds
        self.said_at = 0
        self.coming: list[tuple[DayPart, OpenSpan]] = []
        """The sessions of the day that are still to come."""
        self.begun: dict[dt.date, Begun] = {}
        """Days that it has begun since that was last written down."""
        self.pinned: dict[dt.date, list[ExAction]] = {}
        """The corporate actions of days that were begun once: the store may know of others by now."""

    # --- making the book ----------------------------------------------------------------------------

    def stand(self, at_ms: int, base: Base | None = None, *, with_requests_until: int | None = None) -> None:
        """Make the book again as it was at an instant, with the requests that were picked up and not undone.

        Where frames are lost it may be ahead of those that are made again; `with_requests_until` leaves later ones out.
        """
        base = base or self._base(at_ms)
        self.through_ms = base.after_ms or 0
        days = AccountDay.objects.filter(account=self.account, date__gte=base.date).values_list("date", "actions")
        self.pinned = {date: [ExAction.of(each) for each in actions] for date, actions in days}
        if base.lead_in is None:
            self._stand_before(base.state, base.date, base.after_ms)
        else:
            self._lead(base.lead_in, base.after_ms or 0)
        self._work_off(self._taken(base.state.requests, with_requests_until))
        self.advance(at_ms)

    def _stand_before(self, state: State, date: dt.date, after_ms: int | None) -> None:
        self.date, self.book = date, Book(state, self.terms, self._market, self._frame)
        self._begin(date, after_ms)

    def _lead(self, before: LeadIn, until_ms: int) -> None:
        """To where a fork begins: what came of it until then was its origin's."""
        self.pinned[before.date] = [ExAction.of(each) for each in before.actions]
        self._stand_before(State.of(before.state), before.date, before.after_ms)
        self._work_off(before.requests())
        self.advance(until_ms)
        self.book.state.begin_anew()
        self.book.take_events()
        self.begun = {}

    def _work_off(self, requests: Iterable[Request]) -> None:
        for request in requests:
            assert request.taken_ms is not None
            self.advance(request.taken_ms)
            self.apply(request, request.taken_ms)

    def lead_in(self, until_ms: int) -> LeadIn:
        """What a fork at an instant needs to know of that day."""
        base = self._base(until_ms)
        before = base.lead_in
        if before is None:
            day = AccountDay.objects.filter(account=self.account, date=base.date).first()
            before = LeadIn(base.state.as_payload(), base.date, base.after_ms, day.actions if day else [], [])
        return before.followed_by(self._taken(base.state.requests, until_ms))

    def _base(self, at_ms: int) -> Base:
        """The newest beginning of a day before an instant, or the account's own."""
        date = date_of(self.calendar, at_ms)
        day = AccountDay.objects.filter(account=self.account, date__lte=date).order_by("-date").first()
        if day is not None:
            return Base(State.of(day.state), day.date, None)
        return self.opening(at_ms)

    def opening(self, before_ms: int | None = None) -> Base:
        """Where the account began, or stood before that."""
        account, opened = self.account, self.account.opened_ms
        before = LeadIn.of(account.lead_in) if account.lead_in else None
        if before_ms is not None and before_ms < opened:
            opened, before = before_ms, None
        return Base(State.of(account.opening), date_of(self.calendar, opened), opened, before)

    def _taken(self, after: int, until_ms: int | None) -> Iterator[Request]:
        taken = Request.objects.filter(
            account=self.account, number__gt=after, taken_ms__isnull=False, voided_in__isnull=True
        )
        if until_ms is not None:
            taken = taken.filter(taken_ms__lte=until_ms)
        return taken.order_by("number").iterator()

    # --- going on -----------------------------------------------------------------------------------

    def advance(self, until_ms: int) -> None:
        """Work through all that is known by an instant, over as many days as lie before it."""
        until = until_ms * MILLISECOND_NS
        while (opens := self._next_open()) is not None and until >= opens:
            self.book.advance(self.book.span.close_ns if self.book.span else opens)
            if self.coming:
                self._enter(None)
            else:
                self._begin(self.calendar.next_trading_day(self.date).date, None)
        self.book.advance(until)
        self.through_ms = max(self.through_ms, until_ms)

    def _next_open(self) -> int | None:
        if self.coming:
            return self.coming[0][1].open_ns
        upcoming = self.calendar.next_trading_day(self.date)
        return _ns(upcoming.begin) if upcoming else None

    def _begin(self, date: dt.date, after_ms: int | None) -> None:
        """Stand in a day, and note where the account stood before it."""
        actions = self._actions(date) if after_ms is None else []
        if after_ms is None:
            self.begun[date] = Begun(self.book.state.as_payload(), [action.as_payload() for action in actions])
        self.date, self.part, self.markets = date, DayPart.REGULAR, {}
        sessions = sessions_of(self.calendar.trading_day(date))
        self.coming = [each for each in sessions if after_ms is None or after_ms * MILLISECOND_NS < each[1].close_ns]
        if actions:
            go_ex(self.book, actions, sessions[0][1].open_ns)
        if self.coming:
            self._enter(after_ms)

    def _actions(self, date: dt.date) -> list[ExAction]:
        """What goes ex on a day, of the symbols that the account has to do with."""
        if date not in self.pinned:
            state = self.book.state
            symbols = {*state.positions, *(order.symbol for order in state.orders.values())}
            self.pinned[date] = corporate_actions(symbols, date) if symbols else []
        return self.pinned[date]

    def _enter(self, after_ms: int | None) -> None:
        self.part, span = self.coming.pop(0)
        self.markets = {}
        orders = self.book.state.orders.values()
        looking = (order.symbol for order in orders if span.takes(extended_hours=order.extended_hours))
        self.days.prepare(looking, self.date, self.part)
        self.book.begin_day(span, after=after_ms and after_ms * MILLISECOND_NS)

    def apply(self, request: Request, taken_ms: int) -> None:
        """Let a request act at its arrival; what comes of it at once goes out with the clock as it stands."""
        self.said_at = taken_ms
        try:
            self.book.now = max(self.book.now, taken_ms * MILLISECOND_NS)
            self.book.act(act_of(request), taken_ms * MILLISECOND_NS + self.latency_ns, request.number)
            self.book.advance(taken_ms * MILLISECOND_NS)
        finally:
            self.said_at = 0

    def _market(self, symbol: str) -> Market | None:
        if symbol not in self.markets:
            self.markets[symbol] = self.days.market(symbol, self.date, self.terms, self.part)
        return self.markets[symbol]

    def _frame(self, known: int) -> int:
        return self.said_at or self.clock(known)


def act_of(request: Request) -> Act:
    body = request.body
    match request.kind:
        case Request.Kind.PLACE:
            return Place(tuple(body["orders"]))
        case Request.Kind.CANCEL:
            return Cancel(tuple(body["order_ids"]))
        case Request.Kind.SETTINGS:
            return Configure()
    return Replace(body["order_id"], body["order"])


def _milliseconds(known: int) -> int:
    return -(-known // MILLISECOND_NS)


def _ns(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 1000) * MILLISECOND_NS


def sessions_of(day: TradingDay) -> list[tuple[DayPart, OpenSpan]]:
    """What of a day is played, in order."""
    begin, opens, closes, end = (_ns(each) for each in (day.begin, day.open, day.close, day.end))
    found = [(DayPart.REGULAR, OpenSpan(opens, closes, is_last=closes == end))]
    if begin < opens:
        found.insert(0, (DayPart.PRE, OpenSpan(begin, opens, outside=True, is_last=False)))
    if closes < end:
        found.append((DayPart.POST, OpenSpan(closes, end, outside=True)))
    return found


def date_of(calendar: ExchangeCalendar, ms: int) -> dt.date:
    """The trading day of an instant; in a night the day before it."""
    moment = dt.datetime.fromtimestamp(ms / 1000, dt.UTC)
    date = calendar.session_date_of(moment)
    if calendar.is_trading_day(date) and moment >= calendar.trading_day(date).begin:
        return date
    return calendar.previous_trading_day(date).date
