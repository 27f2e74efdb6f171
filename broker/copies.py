"""Accounts of a session that was made like another: a fork's go on where they stand, a restart's begin anew."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Q

from broker import configurations
from broker.account_writer import write_orders
from broker.accounts import begin
from broker.matching.orders import Order as WorkingOrder
from broker.matching_days import MatchingDays
from broker.models import Account, MatchingPin, Request
from broker.models import Order as OrderRow
from broker.trader import Trader, date_of
from sessions.models import Session
from streaming.engine.frames.frame_id import milliseconds


def copy_accounts(sender: type[Session], *, source: Session, copy: Session, fork: bool, **_: Any) -> None:
    """With open orders and positions, or with what each began with."""
    begins = milliseconds(copy.start_at or copy.calendar.trading_day(copy.start_date).begin)
    for account in Account.objects.select_for_update(no_key=True).filter(session=source).order_by("pk"):
        _copy(account, copy, begins, fork=fork)
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


def _state_at(account: Account, ms: int) -> dict[str, Any]:
    """The state at the clock at which a fork begins: the account may be ahead of it, or in the night before."""
    calendar = account.session.calendar
    stands = account.through_ms <= ms and date_of(calendar, account.through_ms) == date_of(calendar, ms)
    if stands and not OrderRow.objects.filter(account=account, is_open=True, voided_in=None).exists():
        return {**account.state, "orders": []}
    trader = Trader(account, MatchingDays(account.session))
    trader.stand(ms, with_requests_until=ms)
    return trader.book.state.as_payload()


def _copy(account: Account, session: Session, opened_ms: int, *, fork: bool) -> None:
    opening = _state_at(account, opened_ms) if fork else account.opening
    opening = {**opening, "events": 0, "executions": 0, "requests": 0, "activities": []}
    made = begin(
        session,
        opened_ms,
        opening,
        name=account.name,
        cash=account.cash,
        multiplier=account.multiplier,
        shorting=account.shorting,
        terms=account.terms,
        configurations=configurations.made(account, opened_ms) if fork else account.configurations,
        created_by=account.created_by,
    )
    if fork:
        orders = [WorkingOrder.of(payload) for payload in opening["orders"]]
        write_orders(made.pk, orders)
        _copy_waiting(account, made, opened_ms)


def _copy_waiting(account: Account, made: Account, opened_ms: int) -> None:
    """Requests that nobody has picked up by then."""
    waiting = Request.objects.filter(Q(taken_ms=None) | Q(taken_ms__gt=opened_ms), account=account, voided_in=None)
    for number, request in enumerate(waiting.order_by("number"), 1):
        Request.objects.create(account=made, number=number, kind=request.kind, body=request.body, made_ms=opened_ms)
        orders = [WorkingOrder.of(payload) for payload in request.brought]
        write_orders(made.pk, orders)
