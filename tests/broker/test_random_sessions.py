"""Random orders on real days - quotes, trades, bars alone - with kills, seeks and forks at random: what always holds.

A fixed set of seeds; `RANDOM_SESSIONS=200` plays as many, from seed `RANDOM_SESSIONS_FROM` on (1,000).
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from sessions.models import Session
from sessions.redis_client import connection as redis_connection
from tests.broker.random_sessions import RandomSession, Workers
from tests.broker.same_again import all_problems

FIXED = (1, 2, 3, 4)
MANY, FROM = int(os.environ.get("RANDOM_SESSIONS", 0)), int(os.environ.get("RANDOM_SESSIONS_FROM", 1000))
SEEDS = range(FROM, FROM + MANY) if MANY else FIXED
SECONDS_EACH = 60


@pytest.fixture
def workers(transactional_db: None, sample: Path, tmp_path: Path) -> Iterator[Workers]:
    redis_connection().flushdb()
    folders = [str(sample / kind / "lean") for kind in ("bars", "trades", "quotes")]
    call_command("import_data", *folders, dataset="lean", verbosity=0)
    forked = Workers(tmp_path / "workers.log")
    yield forked
    forked.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(SECONDS_EACH * len(SEEDS) + 120)
def test_what_holds_of_every_run(workers: Workers) -> None:
    """Cash and positions are the executions'; no liquidity twice; nothing off the tape; the same journal, the same."""
    failed = {seed: found for seed in SEEDS if (found := played(seed, workers))}
    assert not failed, "\n\n".join(f"seed {seed}:\n{text}" for seed, text in failed.items())


def played(seed: int, workers: Workers) -> str:
    """Nothing where all holds; else what does not, and the run's journal."""
    run = RandomSession(seed, workers)
    try:
        run.play()
        found = all_problems(run)
    except Exception:  # noqa: BLE001 - the journal is printed with it
        found = [traceback.format_exc()]
    if MANY:
        print(f"seed {seed}: {len(run.lines)} lines, {run.counts()}: {found or 'well'}", flush=True)
    Session.objects.filter(state__in=("running", "paused", "starting")).update(state="failed")
    return "\n".join([*found, *run.lines]) if found else ""
