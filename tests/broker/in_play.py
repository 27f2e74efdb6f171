"""Sessions with accounts, played by a worker and moved step by step."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

from broker import accounts, service
from broker.accounts import Opening
from broker.entry.order_form import read_order
from broker.models import Account, Order
from marketdata import calendar
from sessions import control
from sessions.models import Session
from streaming.starts import service as streams
from streaming.starts.request import StartRequest

DAY = dt.date(2025, 7, 2)


def started(until: dt.date = DAY, **given: object) -> Session:
    request = StartRequest(("AAPL", "MSFT"), DAY, until, dataset="exthours_2025", paused=True, **given)  # type: ignore[arg-type]
    return streams.start(request).session


def opened(session: Session, **given: object) -> Account:
    return accounts.create(session, Opening(**given))  # type: ignore[arg-type]


def place(account: Account, side: str = "buy", kind: str = "market", **given: object) -> str:
    body = {"symbol": "AAPL", "qty": 10, "side": side, "type": kind, "time_in_force": "day", **given}
    return service.place(account.pk, read_order(body))[0].id


def status(account: Account, order_id: str) -> str:
    return Order.objects.get(account=account, uuid=order_id).status


def until(found: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.02)


def step(session: Session, minutes: int = 1) -> None:
    control.step(session.pk, minutes)
    wanted = Session.objects.get(pk=session.pk).run_until
    until(lambda: bool((at := clock(session)) and wanted and at >= wanted))


def clock(session: Session) -> dt.datetime | None:
    return Session.objects.with_run().get(pk=session.pk).run.clock


def seek(session: Session, minute: int, date: dt.date = DAY) -> None:
    to = calendar.trading_day(date).open + dt.timedelta(minutes=minute)
    control.seek(session.pk, to)
    until(lambda: Session.objects.get(pk=session.pk).seek_to is None)
