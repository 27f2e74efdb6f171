"""The conformance run of the broker's contract, by the broker's own client, against a running replay."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.streaming.gateway.conftest import DAY, StartReplay, StartServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]


def test_the_contracts_conformance_run_passes_on_real_bars(
    start_server: StartServer, start_replay: StartReplay, shared_data: Path
) -> None:
    tool = shared_data.parent / "tools" / "alpaca_conformance.py"
    server, bound = start_server(), start_replay(minutes=40, speed=60.0)
    env = {**os.environ, "APCA_API_KEY_ID": bound.key_id, "APCA_API_SECRET_KEY": bound.secret}
    given = ["--data-url", server.base, "--stream-url", server.stream, "--symbols", "AAPL,MSFT", "--no-ticks"]
    run = subprocess.run(
        [sys.executable, str(tool), *given, "--day", DAY.isoformat(), "--stream-timeout", "30"],
        env=env,
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "28 passed, 0 failed, 1 skipped" in run.stdout
