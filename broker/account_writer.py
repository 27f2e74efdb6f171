"""What a book says, written down in one transaction under the lease's epoch, and then made ready to go out."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from broker.matching.orders import Order as WorkingOrder
from broker.matching.orders import plain_text
from broker.matching.state import Event
from broker.models import Account, AccountDay, AccountEvent, Order, Request
from broker.trader import Trader, date_of
from sessions.redis_keys import session_key
from sessions.whole_rows import Statement, WholeRows, execute
from streaming.engine.publishing.participants import Entry, Stage
from streaming.engine.records.fence import fenced

EXECUTIONS = uuid.UUID("0b6b5f0e-54cf-4c65-9d3c-7a7065646b02")
"""Namespace of the executions' ids."""
NUMBERS = ("qty", "price", "position_qty", "met_price", "met_size")
"""The numbers of an execution."""
ACCOUNTS, EVENTS, ORDERS = WholeRows(Account), WholeRows(AccountEvent), WholeRows(Order)
DAYS, REQUESTS = WholeRows(AccountDay), WholeRows(Request)
BRING_UP_TO_DATE = """
ON CONFLICT (account_id, uuid) DO UPDATE
   SET status = EXCLUDED.status, is_open = EXCLUDED.is_open, payload = EXCLUDED.payload"""


def stream_of(session_id: int, account_id: int, generation: int) -> str:
    """The Redis stream of an account's events."""
    return session_key(session_id, "account", account_id, generation)


class AccountWriter:
    """The writing side of one account."""

    def __init__(self, trader: Trader, stage: Stage) -> None:
        self.trader, self.stage, self.account = trader, stage, trader.account
        self.resume()

    def resume(self) -> None:
        """Go on after what is written; of what the book says again nothing is written twice."""
        self.trader.book.take_events()
        rows = AccountEvent.objects.filter(account=self.account, voided_in=None)
        newest = rows.order_by("-number").first()
        self.written = newest.number if newest else 0
        last = rows.filter(number=self.trader.book.state.events).first()
        self.last = (last.generation, last.at_ms, last.n) if last else (0, 0, 0)
        self.chain = newest.chain if newest else ""

    def write(self, taken: Sequence[Request] = ()) -> list[Entry]:
        """Write what the book has said since the last time. Returns it as entries of the account's stream.

        `taken`: requests that were picked up, all at one instant.
        """
        self.trader.book.follow()
        events, touched = self.trader.book.take_events()
        rows = [self._row(event) for event in events]
        new = [row for row in rows if row.number > self.written]
        if new or touched or taken or self.trader.begun:
            for row in new:
                self.chain = row.chain = link(self.chain, row)
            figures = {"state": self.trader.book.state.figures(), "through_ms": self.trader.through_ms}
            # First, for it locks the account.
            statements = ACCOUNTS.update([self.account.pk], **figures, chain=self.chain)
            statements += EVENTS.insert(new) + orders_written(self.account.pk, touched.values()) + self._days_written()
            if taken:
                at = {"taken_ms": taken[0].taken_ms, "generation": taken[0].generation}
                statements += REQUESTS.update([request.pk for request in taken], **at)
            with fenced(self.stage.session.pk, self.stage.epoch):
                execute(statements)
            self.written = max([self.written, *(row.number for row in new)])
        return entries(self.stage.session.pk, rows)

    def _days_written(self) -> list[Statement]:
        begun, self.trader.begun = self.trader.begun, {}
        days = [
            AccountDay(account=self.account, date=date, state=day.state, actions=day.actions)
            for date, day in begun.items()
        ]
        return DAYS.insert(days, "ON CONFLICT DO NOTHING")

    def _row(self, event: Event) -> AccountEvent:
        generation = self.stage.generation
        before = self.last
        n = before[2] + 1 if before[:2] == (generation, event.at_ms) else 0
        self.last = generation, event.at_ms, n
        return row_of(self.account, event, generation, n)

    def published_lately(self, most: int = 500) -> list[Entry]:
        """The newest events of this generation: a worker that was killed may have written and not published them."""
        rows = AccountEvent.objects.filter(
            account=self.account,
            voided_in=None,
            generation=self.stage.generation,
            number__lte=self.trader.book.state.events,
        ).order_by("-number")[:most]
        return entries(self.stage.session.pk, list(rows)[::-1])

    def go_back(self, to_ms: int) -> None:
        """Undo what is later than an instant, and what was asked for from then on. Within the seek's transaction."""
        generation, account = self.stage.generation, self.account
        Account.objects.select_for_update(no_key=True).only("pk").get(pk=account.pk)
        undone = Request.objects.filter(account=account, taken_ms__gte=to_ms, voided_in=None)
        ids = {order["id"] for request in undone for order in request.brought}
        undone.update(voided_in=generation)
        AccountDay.objects.filter(account=account, date__gt=date_of(self.trader.calendar, to_ms)).delete()
        self.trader.begun = {}
        self.trader.stand(to_ms)
        state = self.trader.book.state
        AccountEvent.objects.filter(account=account, voided_in=None, number__gt=state.events).update(
            voided_in=generation
        )
        Order.objects.filter(account=account, uuid__in=ids).update(voided_in=generation)
        touched = {**self.trader.book.touched, **state.orders}
        write_orders(account.pk, touched.values())
        execute(self._days_written())
        self.resume()
        Account.objects.filter(pk=account.pk).update(state=state.figures(), through_ms=to_ms, chain=self.chain)


def write_orders(account_id: int, orders: Iterable[WorkingOrder]) -> None:
    """Insert, or bring up to date what changes in an order's life."""
    execute(orders_written(account_id, orders))


def orders_written(account_id: int, orders: Iterable[WorkingOrder]) -> list[Statement]:
    return ORDERS.insert([Order.row(account_id, order) for order in orders], BRING_UP_TO_DATE)


def row_of(account: Account, event: Event, generation: int, n: int) -> AccountEvent:
    row = AccountEvent(
        account=account,
        number=event.number,
        generation=generation,
        at_ms=event.at_ms,
        n=n,
        kind=event.kind,
        order_uuid=uuid.UUID(event.order["id"]),
        order=event.order,
        symbol=event.order["symbol"],
        note=event.note,
    )
    if (execution := event.execution) is not None:
        name = f"{account.uuid}:{generation}:{execution.number}"
        row.execution = uuid.uuid5(EXECUTIONS, name)
        row.qty, row.price, row.position_qty = execution.qty, execution.price, execution.position_qty
        row.basis, row.met_price, row.met_size = execution.basis, execution.met_price, execution.met_size
        row.met_ns = execution.met_at
    return row


def content(row: AccountEvent) -> bytes:
    """What is chained of an event, and compared when it is made again."""
    numbers = (getattr(row, name) for name in NUMBERS)
    return orjson.dumps(
        [
            *(row.number, row.generation, row.at_ms, row.n, row.kind, row.order, row.note),
            *(str(row.execution or ""), row.basis, row.met_ns),
            *("" if value is None else f"{value:.9f}" for value in numbers),
        ],
        option=orjson.OPT_SORT_KEYS,
    )


def link(chain: str, row: AccountEvent) -> str:
    """The next link of an account's hash chain."""
    return hashlib.sha256(bytes.fromhex(chain) + content(row)).hexdigest()


def entries(session_id: int, rows: Sequence[AccountEvent]) -> list[Entry]:
    return [
        Entry(
            stream_of(session_id, row.account_id, row.generation),
            f"{row.at_ms}-{row.n}",
            {"e": orjson.dumps(payload(row))},
        )
        for row in rows
    ]


def payload(row: AccountEvent) -> dict[str, Any]:
    """An event as it is passed on inside."""
    made: dict[str, Any] = {
        "cursor": row.cursor,
        "number": row.number,
        "generation": row.generation,
        "at_ms": row.at_ms,
        "n": row.n,
        "kind": str(row.kind),
        "order": row.order,
        "note": row.note,
    }
    if row.execution is not None:
        made |= {
            "execution": str(row.execution),
            **{name: plain_text(getattr(row, name)) for name in NUMBERS},
            "basis": str(row.basis),
            "met_ns": row.met_ns,
        }
    return made
