"""The conformance run of the broker's contract, by the broker's own client, against a running replay."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from streaming.starts.request import StartRequest
from tests.gateway.conftest import StartServer, begin
from tests.workers import StartWorker

DAY = dt.date(2013, 10, 7)
SYMBOLS = ("IBM", "BAC")
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]


@pytest.fixture
def recorded(transactional_db: None, shared_data: Path) -> str:
    """Bars of two days, and the second one's trades and quotes."""
    for symbol in SYMBOLS:
        for date in ("2013-10-04", DAY.isoformat()):
            call_command(
                "import_bars", str(shared_data / f"bars/lean/{symbol}_{date}_1min.csv.gz"), dataset="lean", verbosity=0
            )
        for kind in ("trades", "quotes"):
            path = shared_data / kind / "lean" / f"{symbol}_{DAY}_{kind}.parquet"
            call_command(f"import_{kind}", str(path), dataset="lean", verbosity=0)
    return "lean"


def test_the_contracts_conformance_run_passes_on_real_bars_trades_and_quotes(
    start_server: StartServer, start_worker: StartWorker, recorded: str, shared_data: Path
) -> None:
    tool = shared_data.parent / "tools" / "alpaca_conformance.py"
    server = start_server()
    start_worker()
    request = StartRequest(SYMBOLS, DAY, DAY, dataset=recorded, types=("bars", "ticks", "quotes"))
    bound = begin(request, minutes=36, speed=60.0)
    env = {**os.environ, "APCA_API_KEY_ID": bound.key_id, "APCA_API_SECRET_KEY": bound.secret}
    given = ["--data-url", server.base, "--stream-url", server.stream, "--symbols", ",".join(SYMBOLS)]
    run = subprocess.run(
        [sys.executable, str(tool), *given, "--day", DAY.isoformat(), "--stream-timeout", "30"],
        env=env,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "29 passed, 0 failed, 0 skipped" in run.stdout
