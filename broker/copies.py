"""Accounts of a session that was made like another: a fork's go on where they stand, a restart's begin anew."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Q

from broker import configurations
from broker.account_writer import write_orders
from broker.accounts import begin
from broker.matching.book import Book
from broker.matching_days import MatchingDays
from broker.models import Account, MatchingPin, Request
from broker.trader import Trader, act_of, date_of
from sessions.models import Session
from streaming.engine.frames.frame_id import milliseconds


def copy_accounts(sender: type[Session], *, source: Session, copy: Session, fork: bool, **_: Any) -> None:
    """With open orders and positions as they were at a fork's clock, or with what each began with."""
    begins = milliseconds(copy.start_at or copy.calendar.trading_day(copy.start_date).begin)
    for account in Account.objects.select_for_update(no_key=True).filter(session=source).order_by("pk"):
        if fork:
            _fork(account, copy, begins)
        else:
            _copy(account, copy, begins, account.opening, configurations=account.configurations)
    if fork:
        _copy_pins(source, copy, date_of(copy.calendar, begins))


def _copy_pins(source: Session, copy: Session, date: dt.date) -> None:
    """Orders go on meeting the same versions of the day."""
    pins = MatchingPin.objects.filter(session=source, date=date)
    MatchingPin.objects.bulk_create(
        MatchingPin(
            session=copy,
            date=date,
            instrument_id=pin.instrument_id,
            kind=pin.kind,
            day_id=pin.day_id,
            ledger=pin.ledger,
        )
        for pin in pins
    )


def _fork(account: Account, session: Session, at_ms: int) -> None:
    """The account as it is at the clock at which a fork begins: it may be ahead of it, or in the night before."""
    trader = Trader(account, MatchingDays(account.session))
    trader.stand(at_ms, with_requests_until=at_ms)
    trader.book.follow()
    state = trader.book.state
    state.begin_anew()
    made = _copy(
        account,
        session,
        at_ms,
        state.as_payload(),
        lead_in=trader.lead_in(at_ms).as_payload(),
        configurations=configurations.made(account, at_ms),
    )
    write_orders(made.pk, [*state.orders.values(), *trader.book.on_their_way()])
    clock = account.session.run.clock
    _copy_waiting(account, made, at_ms, trader.book, in_the_past=clock is not None and at_ms < milliseconds(clock))


def _copy(account: Account, session: Session, at_ms: int, opening: dict[str, Any], **fields: Any) -> Account:
    return begin(
        session,
        at_ms,
        opening,
        name=account.name,
        cash=account.cash,
        multiplier=account.multiplier,
        shorting=account.shorting,
        terms=account.terms,
        created_by=account.created_by,
        **fields,
    )


def _copy_waiting(account: Account, made: Account, opened_ms: int, book: Book, *, in_the_past: bool) -> None:
    """Requests that nobody has picked up by then; in the past, those that were made by then."""
    waiting = Request.objects.filter(Q(taken_ms=None) | Q(taken_ms__gt=opened_ms), account=account, voided_in=None)
    if in_the_past:
        waiting = waiting.filter(made_ms__lte=opened_ms)
    for number, request in enumerate(waiting.order_by("number"), 1):
        Request.objects.create(account=made, number=number, kind=request.kind, body=request.body, made_ms=opened_ms)
        write_orders(made.pk, act_of(request).brings(book))
