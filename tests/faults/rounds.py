"""Every fault once, or many at random: what happened, and what of it was wrong."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from sessions.models import Session
from tests.faults.arena import Arena
from tests.faults.faults import BEGINNINGS, FAULTS, KILLING, MOST_TAKEOVER, Run, begin, finish
from tests.faults.judge import problems
from tests.faults.listener import Listeners
from tests.faults.trading import Trading

Say = Callable[[str], None]
SESSIONS, FAULTS_A_ROUND = 3, 10
IN_BETWEEN = tuple(name for name in FAULTS if name not in KILLING and not name.startswith("task"))
"""Celery's own worker takes too long to come up for this."""
CHAOS_SPEED = 1800.0


def undisturbed(arena: Arena, rng: random.Random) -> str:
    """The chain of the run that nothing happens to."""
    run = begin(arena, rng, 0, speed=0.0)
    finish(run)
    run.session.refresh_from_db()
    return run.session.run.chain


def each_once(arena: Arena, rng: random.Random, only: Collection[str], cut: float, say: Say) -> dict[str, Any]:
    chain, listeners = undisturbed(arena, rng), Listeners(rng)
    payload: dict[str, dict[str, Any]] = {}
    for name in only or [*BEGINNINGS, *FAULTS]:
        began = time.monotonic()
        fault, expect = FAULTS.get(name, (None, ()))
        run = BEGINNINGS.get(name, begin)(arena, rng, cut)
        readers, trading = listeners.listen(run.session.pk), Trading(run.session, rng)
        if fault is not None:
            fault(run)
        arena.keep_workers(2)
        finish(run)
        trading.finish()
        wrong = [*problems(run.session, readers, "" if run.moved else chain, expect), *trading.problems()]
        slow = [f"a takeover took {seconds:.1f} s" for seconds in run.takeovers if seconds > MOST_TAKEOVER]
        payload[name] = {"problems": wrong, "slow": slow, "takeovers": run.takeovers}
        say(f"{name}: {'; '.join(wrong + slow) or 'well'} ({time.monotonic() - began:.1f} s)")
    ok = not any(one["problems"] for one in payload.values())
    return {"ok": ok, "faults": payload, "kills": arena.kills}


def chaos(arena: Arena, rng: random.Random, kills: int, cut: float, say: Say) -> dict[str, Any]:
    """Rounds of several sessions at once, disturbed at random until so many processes were killed."""
    chain, listeners = undisturbed(arena, rng), Listeners(rng)
    happened: Counter[str] = Counter()
    takeovers: list[float] = []
    wrong: list[str] = []
    sessions, fills, began = 0, 0, time.monotonic()
    while arena.kills < kills:
        runs = [begin(arena, rng, cut, CHAOS_SPEED) for _ in range(SESSIONS)]
        readers = {run.session.pk: listeners.listen(run.session.pk) for run in runs}
        trades = {run.session.pk: Trading(run.session, rng) for run in runs}
        _disturb(runs, rng, happened)
        arena.keep_workers(2)
        for run in runs:
            finish(run)
            trading = trades[run.session.pk]
            trading.finish()
            fills += trading.fills
            wrong += trading.problems()
            wrong += problems(run.session, readers[run.session.pk], "" if run.moved else chain, ())
            takeovers += run.takeovers
        sessions += len(runs)
        so_far = f"{arena.kills} kills, {sessions} sessions, {fills} fills, {time.monotonic() - began:.0f} s"
        say(f"{so_far}: {'; '.join(wrong) or 'well'}")
        Session.objects.filter(pk__in=[run.session.pk for run in runs]).delete()
    return {
        "ok": not wrong,
        "kills": arena.kills,
        "sessions": sessions,
        "fills": fills,
        "faults": dict(happened),
        "problems": wrong,
        "takeovers": len(takeovers),
        "slowest_takeover": max(takeovers, default=None),
        "slow_takeovers": sum(seconds > MOST_TAKEOVER for seconds in takeovers),
    }


def _disturb(runs: list[Run], rng: random.Random, happened: Counter[str]) -> None:
    for _ in range(FAULTS_A_ROUND):
        # Kills are what is counted; the others come between them.
        name = rng.choice(KILLING if rng.random() < 0.85 else IN_BETWEEN)
        run = rng.choice(runs)
        FAULTS[name][0](run)
        happened[name] += 1
