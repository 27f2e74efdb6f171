"""Proof of an account: everything is made again from its requests and the pinned days, and compared event by event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from django.db import transaction

from broker.account_writer import content, link, row_of
from broker.matching.state import Event
from broker.matching_days import MatchingDays
from broker.models import Account, AccountEvent, Request
from broker.models import Order as OrderRow
from broker.trader import Trader
from sessions.models import Session

MOST_REPORTED = 5


def verify_accounts(session: Session) -> Iterator[str]:
    """What does not fit, in words; nothing where all does."""
    for account_id in Account.objects.filter(session=session).order_by("pk").values_list("pk", flat=True):
        yield from list(_problems(_written(account_id)))[:MOST_REPORTED]


@dataclass(frozen=True, slots=True)
class Written:
    """An account as it is written down."""

    account: Account
    events: list[AccountEvent]
    open_orders: set[str]
    """Ids of those that are shown as open and were picked up."""


def _written(account_id: int) -> Written:
    """What is written down at one moment: the session may go on meanwhile."""
    with transaction.atomic():
        account = (
            Account.objects.select_for_update(of=("self",), no_key=True).select_related("session").get(pk=account_id)
        )
        events = list(AccountEvent.objects.filter(account=account, voided_in=None).order_by("number"))
        orders = OrderRow.objects.filter(account=account, voided_in=None, is_open=True)
        shown = {str(uuid) for uuid in orders.values_list("uuid", flat=True)}
        waiting = Request.objects.filter(account=account, taken_ms=None, voided_in=None)
        return Written(account, events, shown - {order["id"] for request in waiting for order in request.brought})


def _problems(written: Written) -> Iterator[str]:
    account, rows = written.account, written.events
    trader = Trader(account, MatchingDays(account.session))
    trader.stand(account.through_ms, trader.opening())
    made, _ = trader.book.take_events()
    chain = ""
    for event, row in zip_longest(made, rows):
        if row is None:
            yield f"{account}: event {event.number} ({event.kind} of {event.order['symbol']}) is lost."
            return
        chain = link(chain, row)
        if event is None or not _same(account, event, row):
            yield f"{account}: event {row.number} ({row.kind} of {row.symbol} at {row.cursor}) is not what comes of it."
        elif row.chain != chain:
            yield f"{account}: at event {row.number} the chain is {chain}, written down is {row.chain}."
            return
    if account.chain != (rows[-1].chain if rows else ""):
        yield f"{account}: its last event's chain is not the account's."
    yield from _compare_state(written, trader)


def _same(account: Account, event: Event, row: AccountEvent) -> bool:
    """Whether they are alike but for `at_ms` and the order's stamps, which say when its frame went out, if one did."""
    again = row_of(account, event, row.generation, row.n)
    again.at_ms = row.at_ms
    again.order = {**again.order, **{name: row.order.get(name) for name in _STAMPS if name in row.order}}
    return content(again) == content(row)


_STAMPS = ("updated_ms", "filled_ms", "canceled_ms", "expired_ms", "replaced_ms", "failed_ms")


def _compare_state(written: Written, trader: Trader) -> Iterator[str]:
    account, again = written.account, trader.book.state.as_payload()
    for name in ("cash", "positions", "last_equity"):
        if again[name] != account.state[name]:
            yield f"{account}: its {name} is {account.state[name]}, made again it is {again[name]}."
    coming = {order.id for order in trader.book.on_their_way()}
    for order_id in sorted(written.open_orders - coming - {order["id"] for order in again["orders"]}):
        yield f"{account}: order {order_id} is shown as open, and it is not."
