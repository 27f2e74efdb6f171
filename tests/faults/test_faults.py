"""Every fault once, on real days and servers of its own: afterwards nothing is lost, sent twice or different."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.arena import ROOT
from tests.faults.faults import BEGINNINGS, FAULTS


@pytest.fixture(scope="module")
def outcome(market_data: Path) -> dict[str, Any]:
    """What became of each fault; the servers are cut off for two seconds where `make chaos` does so for thirty."""
    command = [sys.executable, "-m", "tests.faults", "--json", "--cut", "2", "--seed", "20250702"]
    data = market_data / "bars" / "exthours_2025"
    done = subprocess.run([*command, "--data", str(data)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)["faults"]
    return report


@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", [*BEGINNINGS, *FAULTS])
def test_every_reader_gets_the_undisturbed_run(outcome: dict[str, Any], fault: str) -> None:
    assert outcome[fault]["problems"] == []


@pytest.mark.timeout(900)
def test_a_takeover_takes_at_most_the_lease_and_two_seconds(outcome: dict[str, Any]) -> None:
    assert [slow for one in outcome.values() for slow in one["slow"]] == []
    assert sum(len(one["takeovers"]) for one in outcome.values()) >= 3
