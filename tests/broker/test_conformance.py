"""The conformance run of the broker's trading contract, by the broker's own client, against a running replay."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from broker import accounts
from broker.accounts import Opening
from broker.models import Account
from sessions.models import Session
from streaming.starts.request import StartRequest
from streaming.verify.session import verify
from tests.gateway.conftest import StartServer, begin, start_server
from tests.workers import ROOT, StartWorker, database_url

__all__ = ["start_server"]
Checked = Callable[..., tuple[Session, str]]
DAY = dt.date(2016, 4, 20)
MOST_AGAIN, TRIES = 8, 2
"""Checks of the eighty-four that may fail in the whole run, and how often they are tried again."""
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]


@pytest.fixture
def recorded(transactional_db: None, shared_data: Path) -> str:
    call_command("import_bars", str(shared_data / "bars" / "google_2016"), dataset="recorded", verbosity=0)
    return "recorded"


def broker_key(session: Session, name: str, cash: int) -> tuple[str, str]:
    account = accounts.create(session, Opening(name=name, cash=Decimal(cash)))
    key, secret, _ = accounts.create_key(session, account)
    return key.key_id, secret


@pytest.fixture
def checked(start_server: StartServer, start_worker: StartWorker, recorded: str, shared_data: Path) -> Checked:
    """Have the checks of these names, all by default, made on a session of their own."""
    tool = shared_data.parent / "tools" / "alpaca_trading_conformance.py"
    server = start_server(ALPACA_REQUESTS_PER_MINUTE="100000")
    start_worker()

    def check(only: str = "") -> tuple[Session, str]:
        bound = begin(StartRequest(("AAPL", "MSFT"), DAY, DAY + dt.timedelta(days=1), dataset=recorded), 40, 120.0)
        key_id, secret = broker_key(bound.session, "first", 1_000_000)
        second = ":".join(broker_key(bound.session, "second", 100_000))
        services = {"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL}
        control = (
            shlex.join([sys.executable, str(ROOT / "manage.py")]) + f" {{verb}}_session {bound.session.pk} {{args}}"
        )
        run = subprocess.run(
            [
                *(sys.executable, str(tool), "--trading-url", server.base, "--only", only),
                *("--trade-stream-url", f"ws://{server.host}/alpaca/stream", "--symbol", "AAPL", "--other", "MSFT"),
                *("--speed", "120", "--second", second, "--control", control),
            ],
            env={**os.environ, **services, "APCA_API_KEY_ID": key_id, "APCA_API_SECRET_KEY": secret},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        return bound.session, run.stdout + run.stderr

    return check


def test_the_contracts_conformance_run_passes_on_real_bars(checked: Checked) -> None:
    """On a busy machine the run lasts longer than the day: it seeks back, and takes the events before that for late.

    At 120x half a second of such a machine is a minute of the market, and one bar of six is too large for a partial
    fill. What failed is checked again on sessions of its own, in which there is time enough.
    """
    session, report = checked()
    failed = failures(report)
    assert len(failed) <= MOST_AGAIN, report
    for _ in range(TRIES):
        if failed:
            print(report)
            _, report = checked(f"^({'|'.join(failed)})$")
            failed = failures(report)
    assert " 0 failed" in report, report
    assert verify(session.pk).problems == []
    assert Account.objects.get(session=session, name="first").events.filter(qty__isnull=False).count() > 100


def failures(report: str) -> list[str]:
    return [line.split()[1] for line in report.splitlines() if line.startswith("FAIL ")]
